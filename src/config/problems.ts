import { inspect } from 'node:util';

import type * as z from 'zod';

import { nearest } from '../support/nearest.js';

/** Every key that a configuration may have, by the path of the object that holds it (list positions as `0`). */
export type KnownKeys = ReadonlyMap<string, readonly string[]>;

/** One line for each thing that is wrong: the key, what it was and what is allowed. */
export function describeProblems(error: z.ZodError, value: unknown, known: KnownKeys): string[] {
  return describeIssues(error.issues, value, known);
}

/** What is wrong with a single value, wherever it comes from. */
export function describeValue(name: string, value: unknown, allowed: string): string {
  return `${name}: ${show(value, name)}, but allowed is ${allowed}`;
}

function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown, known: KnownKeys): string[] {
  return withoutMeant(issues, value, known).flatMap((issue) => describeIssue(issue, value, known));
}

/** A key that is missing because it is misspelt is one mistake, not two. */
function withoutMeant(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  known: KnownKeys,
): z.core.$ZodIssue[] {
  const meant = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => pathOf([...issue.path, nearest(key, keysAt(issue.path, known)) ?? '']))
        : [],
    ),
  );
  return issues.filter((issue) => !(meant.has(pathOf(issue.path)) && at(value, issue.path) === undefined));
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown, known: KnownKeys): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknown(key, issue.path, known));
  }
  if (issue.code === 'invalid_union') {
    const found = at(value, issue.path);
    const empty = typeof found === 'object' && found !== null && Object.keys(found).length === 0;
    // the branch that came furthest is the one that was meant; nothing at all comes from no branch
    const meant = issue.errors
      .filter((branch) => branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'))
      .map((branch) => branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })))
      .map((branch) => withoutMeant(branch, value, known))
      .sort((a, b) => mistakes(a) - mistakes(b))[0];
    if (meant !== undefined && !empty) return describeIssues(meant, value, known);
  }
  const name = pathOf(issue.path) || 'the configuration';
  const found = at(value, issue.path);
  return [
    found === undefined
      ? `${name}: it is missing; needed is ${issue.message}`
      : describeValue(name, found, issue.message),
  ];
}

const mistakes = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);

function describeUnknown(key: string, holder: readonly PropertyKey[], known: KnownKeys): string {
  const full = pathOf([...holder, key]);
  const here = keysAt(holder, known);
  const meant = nearest(key, here);
  if (meant !== undefined) return `${full}: not a known key; did you mean ${meant}?`;
  const elsewhere = [...known].find(([place, keys]) => place !== schemaPath(holder) && keys.includes(key));
  if (elsewhere !== undefined) {
    const place =
      elsewhere[0] === '' ? 'the top level' : elsewhere[0].replace(/^(\w+)\.0$/, 'an entry of $1');
    return `${full}: not a key of ${pathOf(holder) || 'the top level'}; it belongs to ${place}`;
  }
  return `${full}: not a known key; known are ${here.join(', ')}`;
}

const pathOf = (place: readonly PropertyKey[]): string => place.map(String).join('.');

const schemaPath = (place: readonly PropertyKey[]): string =>
  place.map((part) => (typeof part === 'number' ? '0' : String(part))).join('.');

const keysAt = (place: readonly PropertyKey[], known: KnownKeys): readonly string[] =>
  known.get(schemaPath(place)) ?? [];

const at = (value: unknown, place: readonly PropertyKey[]): unknown =>
  place.reduce<unknown>(
    (holder, key) => (holder as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );

function show(value: unknown, name: string): string {
  // errors are copied into tickets and logs
  if (/password/i.test(name)) return `it is ${value === '' ? 'empty' : `a ${typeof value}`}`;
  if (typeof value === 'function') return 'it is a function';
  if (typeof value === 'string') return `it is ${cut(JSON.stringify(value))}`;
  return `it is ${cut(inspect(value, { breakLength: Infinity, compact: true, depth: 2 }))}`;
}

const cut = (text: string): string => (text.length > 100 ? `${text.slice(0, 99)}…` : text);
