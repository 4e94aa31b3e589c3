import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import { packageKey, readPackage } from './find.js';
import { parseJson } from './json.js';

/**
 * What a configuration file holds, not checked yet. TypeScript is read as Node.js reads it, by leaving its types out.
 * @throws JestKubernetesError CONFIG_INVALID where it cannot be read, with file and line
 */
export async function readConfigFile(file: string): Promise<unknown> {
  const value = await explained('configuration', file, () => contentOf(file));
  if (value === undefined) {
    throw new JestKubernetesError('CONFIG_INVALID', `${file} holds no configuration`, {
      remedy: `Write ${remindOf(file)}`,
    });
  }
  return value;
}

/**
 * The default export of a user's module.
 * @throws JestKubernetesError CONFIG_INVALID where it cannot be loaded, with file and line
 */
export function readDefault(what: string, file: string): Promise<unknown> {
  return explained(what, file, async () => defaultOf(await load(file), file));
}

async function explained<T>(what: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JestKubernetesError) throw error;
    const remedy = remedyFor(error, file);
    throw new JestKubernetesError('CONFIG_INVALID', `The ${what} ${file} cannot be loaded`, {
      evidence: describe(error, file),
      ...(remedy === undefined ? {} : { remedy }),
      cause: error,
    });
  }
}

async function contentOf(file: string): Promise<unknown> {
  if (path.basename(file) === 'package.json') return readPackage(path.dirname(file))?.[packageKey];
  if (file.endsWith('.json')) return withoutSchema(parseJson(readFileSync(file, 'utf8'), file));
  const value = defaultOf(await load(file), file);
  return typeof value === 'function' ? await (value as () => unknown)() : await value;
}

/** `$schema` is for editors, and a JSON file's alone. */
function withoutSchema(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { $schema, ...rest } = value as { $schema?: unknown };
  return $schema === undefined || typeof $schema === 'string' ? rest : value;
}

/** The default export; of CommonJS, `module.exports`, or its `default` where it was compiled from ESM. */
function defaultOf({ default: value }: { default?: unknown }, file: string): unknown {
  if (isCompiled(value)) return value.default;
  const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  // a CommonJS file that exports nothing has an empty object for it
  return empty && !/\bexport/.test(readFileSync(file, 'utf8')) ? undefined : value;
}

function isCompiled(value: unknown): value is { default: unknown } {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value;
}

function remindOf(file: string): string {
  if (path.basename(file) === 'package.json') return `"${packageKey}": { … }`;
  return /\.c[jt]s$/.test(file) ? 'module.exports = { … }' : 'export default defineConfig({ … })';
}

let loading: Promise<unknown> = Promise.resolve();

/** The user's own modules that have been loaded, each with when it was written, as it was then. */
const loadedFiles = new Map<string, string>();
/** Node.js keeps a module by its address: that of a later reading differs. */
let reading = 0;

const stampOf = (file: string): string => {
  const found = statSync(file, { throwIfNoEntry: false });
  return `${String(found?.mtimeMs)} ${String(found?.size)}`;
};

/** Lets the next loading read the user's modules anew, where one of them has been written since it was loaded. */
export function readChangedModules(): void {
  if (![...loadedFiles].some(([file, stamp]) => stampOf(file) !== stamp)) return;
  for (const file of loadedFiles.keys()) Reflect.deleteProperty(require.cache, file);
  loadedFiles.clear();
  reading += 1;
}

/** Imports a file; one at a time, as for the moment it changes what is the whole process's. */
function load(file: string): Promise<{ default?: unknown }> {
  const loaded = loading.then(() =>
    quietly(async () => {
      const hooks = registerHooks({ load: asItIsWritten, resolve: resolveHook });
      try {
        return (await import(addressOf(pathToFileURL(file).href))) as { default?: unknown };
      } finally {
        hooks.deregister();
      }
    }),
  );
  loading = loaded.catch(() => undefined);
  return loaded;
}

const addressOf = (url: string): string => (reading === 0 ? url : `${url}?reading=${String(reading)}`);

const isOwn = (url: string): boolean => url.startsWith('file:') && !url.includes('/node_modules/');

type ResolveHook = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>;

/** What a user's module imports, anew where it has changed. Its name is known to `placeIn`. */
const resolveHook: ResolveHook = function resolveHook(specifier, context, next) {
  try {
    const found = next(specifier, context);
    return isOwn(found.url) && !found.url.includes('?') ? { ...found, url: addressOf(found.url) } : found;
  } catch (error) {
    // at the root of a workspace that is strict it is not found where a package alone lists it
    if (specifier !== 'jest-kubernetes/config') throw error;
    const url = pathToFileURL(path.join(__dirname, 'define-config.js')).href;
    return { url, format: 'commonjs', shortCircuit: true };
  }
};

/**
 * TypeScript that is written as an ES module is read as one whatever package.json says: TypeScript itself would compile
 * it to what package.json asks for, and `npm init` asks for CommonJS.
 */
const asItIsWritten: NonNullable<Parameters<typeof registerHooks>[0]['load']> = (url, context, next) => {
  if (!isOwn(url)) return next(url, context);
  const file = fileURLToPath(url);
  loadedFiles.set(file, stampOf(file));
  if (!/\.c?ts$/.test(file)) return next(url, context);
  const source = readFileSync(file, 'utf8');
  const format = isModule(source) ? 'module-typescript' : context.format;
  return next(url, { ...context, format });
};

function isModule(source: string): boolean {
  return /^[ \t]*(?:import|export)[\s{*"']/m.test(source) && !/\bmodule\.exports\b/.test(source);
}

/** Node.js 22 says of TypeScript, and any of a module without a type, how it reads them: no news for a user. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
    if (!/Type Stripping|MODULE_TYPELESS|module type of/i.test(`${String(warning)} ${rest.join(' ')}`)) {
      (emitWarning as (...all: unknown[]) => void).call(process, warning, ...rest);
    }
  };
  try {
    return await work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Where in the user's files it happened, and what. */
function describe(error: unknown, file: string): string[] {
  const message = messageOf(error).replace(/\n(?:Require stack:|\s+at )[^]*$/, '');
  return `${placeOf(error, file) ?? file}: ${message.trim()}`.split('\n');
}

function placeOf(error: unknown, file: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const place = placeIn(error.stack ?? '');
  if (place !== undefined || !(error instanceof SyntaxError) || !/js$/.test(file)) return place;
  // of an ES module Node.js keeps to itself where its syntax is wrong, but for this
  const env = { ...process.env, NODE_OPTIONS: '' };
  return placeIn(spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', env }).stderr);
}

const own = path.resolve(__dirname, '..') + path.sep;

/** The first place of a stack that is neither Node.js's nor a package's. */
function placeIn(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, place, number] =
      /^(?:\s+at (?:.*\(|async )?)?(file:\/\/\S+?|\/.+?):(\d+)(?::\d+)?\)?$/.exec(line) ?? [];
    if (place === undefined || number === undefined) continue;
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    if (line.includes('resolveHook')) continue;
    // what comes after is who called us
    if (file.startsWith(own)) return undefined;
    if (!file.includes('/node_modules/')) return `${file}:${number}`;
  }
  return undefined;
}

function remedyFor(error: unknown, file: string): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const message = messageOf(error);
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'Node.js reads it by leaving the types out: write it without enums, namespaces and import = require().';
  }
  if (code === 'ERR_MODULE_NOT_FOUND' && /Cannot find module '[^']*\/[^'./]+'/.test(message)) {
    return 'Node.js reads it: an import of another file needs its extension, such as ./shared.ts.';
  }
  if (/outside a module|Unexpected token 'export'/.test(message) && /\.c?js$/.test(file)) {
    return 'Here it is read as CommonJS: write module.exports = { … }, or give the file the extension .mjs.';
  }
  return undefined;
}
