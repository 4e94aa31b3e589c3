import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import { packageKey, readPackage } from './find.js';

/**
 * What a configuration file holds, not checked yet. TypeScript is read as Node.js reads it, by leaving its types out.
 * @throws JestKubernetesError CONFIG_INVALID where it cannot be read, with file and line
 */
export async function readConfigFile(file: string): Promise<unknown> {
  try {
    if (path.basename(file) === 'package.json') return readPackage(path.dirname(file))?.[packageKey];
    if (file.endsWith('.json')) return JSON.parse(readFileSync(file, 'utf8')) as unknown;
    const value = defaultOf(
      await quietly(() => import(pathToFileURL(file).href) as Promise<{ default?: unknown }>),
    );
    return typeof value === 'function' ? await (value as () => unknown)() : await value;
  } catch (error) {
    if (error instanceof JestKubernetesError) throw error;
    throw new JestKubernetesError('CONFIG_INVALID', `The configuration ${file} cannot be loaded`, {
      evidence: placeOf(error, file),
      cause: error,
    });
  }
}

/** The default export; of CommonJS, `module.exports`, or its `default` where it was compiled from ESM. */
function defaultOf(module: { default?: unknown }): unknown {
  if (module.default === undefined)
    throw new Error('it has no default export: export default defineConfig({ … })');
  return isCompiled(module.default) ? module.default.default : module.default;
}

function isCompiled(value: unknown): value is { default: unknown } {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value;
}

/** Node.js tells of each TypeScript file that it strips types; that is no news for a user. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
    if (!/Type Stripping|MODULE_TYPELESS|module type of/i.test(`${String(warning)} ${rest.join(' ')}`)) {
      (emitWarning as (...all: unknown[]) => void).call(process, warning, ...rest);
    }
  };
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Where in the file it happened, and what. */
function placeOf(error: unknown, file: string): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const escaped = file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = new RegExp(`${escaped}:(\\d+)`).exec(stack)?.[1];
  return [`${file}${line === undefined ? '' : `:${line}`}: ${messageOf(error).split('\n')[0] ?? ''}`];
}
