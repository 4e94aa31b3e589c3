import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What a run in a folder depends on, by its versions. */
export function versionsHere(
  rootDir: string,
  engine?: { name: string; version: string; platform: string },
): Record<string, string> {
  return {
    'jest-kubernetes': packageVersion('jest-kubernetes', __filename) ?? 'not found',
    jest: packageVersion('jest', path.join(rootDir, 'package.json')) ?? 'not found',
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    ...(engine === undefined ? {} : { [engine.name]: `${engine.version} (${engine.platform})` }),
  };
}

/**
 * The version of a package as a module finds it; undefined where it does not.
 * @param from - absolute path of the module, which need not be there
 */
export function packageVersion(name: string, from: string): string | undefined {
  try {
    const file = createRequire(from).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return undefined;
  }
}
