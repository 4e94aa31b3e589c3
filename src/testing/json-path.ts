import { JestKubernetesError, messageOf } from '../support/errors.js';
import { jsonPaths } from '../support/native.js';

/** What a path leads to in an object. */
interface AtPath {
  found: readonly unknown[];
  /** Why the path cannot be followed in any object. */
  refused?: string;
  /** What is there where nothing was found, to go on a sentence with; empty where that cannot be told. */
  instead: string;
}

/**
 * Reads a path as kubectl has it: in braces or without, with `\.` for a dot that is part of a name.
 * @throws JestKubernetesError TARGET_INVALID where it is no path
 */
export function readPath(path: string): (object: object) => AtPath {
  const inner = path.trim().replace(/^\{([^{}]*)\}$/, '$1');
  if (inner === '') throw noPath(path, 'it is empty');
  if (/[{}]/.test(inner)) throw noPath(path, 'it is not one path, in braces or without them');
  const open = unclosed(inner);
  if (open !== undefined) throw noPath(path, `what ‘${open}’ begins is not ended`);
  const absolute = inner.startsWith('$') ? inner : `$${/^[.[]/.test(inner) ? '' : '.'}${inner}`;
  // a name with dots is a name in brackets
  const query = absolute
    .replace(/(?<!\\)\.((?:[^.[\]\\]|\\.)*\\\.(?:[^.[\]\\]|\\.)*)/g, (_dotted, name: string) => `['${name}']`)
    .replace(/\\\./g, '.');
  return (object) => {
    try {
      const found = jsonPaths().JSONPath({ path: query, json: object, eval: 'safe' }) as unknown[];
      return { found, instead: found.length === 0 ? insteadOf(query, object) : '' };
    } catch (error) {
      const why = messageOf(error);
      // a filter asks for what an item does not have, or not yet
      if (/^jsonPath: Cannot read properties/.test(why)) return { found: [], instead: '' };
      return { found: [], refused: why, instead: '' };
    }
  };
}

const noPath = (path: string, why: string): JestKubernetesError =>
  new JestKubernetesError('TARGET_INVALID', `‘${path}’ is no JSONPath: ${why}`, {
    remedy: "Write it as kubectl takes it: '{.status.phase}', '{.status.conditions[0].type}'.",
  });

const closings: Readonly<Record<string, string>> = { '[': ']', '(': ')' };

/** The bracket, or quote, that is open at the end, or closed before it was opened. */
function unclosed(text: string): string | undefined {
  const open: string[] = [];
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character in closings) open.push(character);
    else if (Object.values(closings).includes(character)) {
      const last = open.pop();
      if (last === undefined || closings[last] !== character) return last ?? character;
    }
  }
  return quote ?? open.at(-1);
}

/** Of a path of plain names, how far it leads: a misspelt one is seen at once. */
function insteadOf(query: string, object: object): string {
  const names = query.split('.').slice(1);
  if (!names.every((name) => /^[\w-]+$/.test(name))) return '';
  let place: unknown = object;
  let at = '';
  for (const name of names) {
    const next = (Object(place) as Record<string, unknown>)[name];
    if (next === undefined) break;
    place = next;
    at += `.${name}`;
  }
  const where = at === '' ? 'the object' : at;
  if (Object(place) !== place) return `; ${where} is ${JSON.stringify(place)}`;
  const has = Array.isArray(place)
    ? `is a list of ${place.length}`
    : `has ${Object.keys(place as object).join(', ')}`;
  return `; ${where} ${has === 'has ' ? 'is empty' : has}`;
}
