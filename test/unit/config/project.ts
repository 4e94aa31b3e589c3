import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import ts from 'typescript';

import type * as config from '../../../src/config/index.js';

const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder with files by relative path, gone when the test file ends; what is no text is written as JSON. */
export function project(files: Readonly<Record<string, unknown>> = {}, name = 'shop'): string {
  const parent = realpathSync(mkdtempSync(path.join(tmpdir(), 'config-')));
  made.push(parent);
  const folder = path.join(parent, name);
  mkdirSync(folder);
  // the search for a configuration ends here
  const all = { 'package.json': { workspaces: ['packages/*'] }, ...files };
  for (const [each, content] of Object.entries(all)) {
    const file = path.join(folder, each);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** A project whose configuration is this. */
export const configured = (config: unknown, files: Readonly<Record<string, unknown>> = {}): string =>
  project({ 'jest-kubernetes.config.json': JSON.stringify(config), ...files });

/** What a user reads of a failure, but for the address at its end, with the folder's path as `<folder>`. */
export async function shownOf(work: Promise<unknown>, folder: string): Promise<string> {
  const error = await work.then(
    () => ({ name: 'nothing', format: () => '' }),
    (reason: unknown) => reason as { name: string; format: () => string },
  );
  expect(error.name).toBe('JestKubernetesError');
  const told = error.format().split('\n');
  return told.slice(0, -1).join('\n').replaceAll(folder, '<folder>');
}

export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/**
 * The room as Node.js itself runs it: Jest's sandbox cannot import a user's file as Node.js does. Beside node_modules,
 * which it needs.
 */
export function natively(): typeof config & { folder: string } {
  const root = path.resolve(__dirname, '../../..');
  const cache = path.join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'config-'));
  made.push(folder);
  const compilerOptions = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2024 };
  for (const room of ['config', 'support']) {
    mkdirSync(path.join(folder, room));
    for (const name of readdirSync(path.join(root, 'src', room))) {
      const fileName = path.join(root, 'src', room, name);
      const { outputText } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
        fileName,
        compilerOptions,
      });
      writeFileSync(path.join(folder, room, name.replace(/ts$/, 'js')), outputText);
    }
  }
  const { nativeRequire } = globalThis as unknown as { nativeRequire: (name: string) => typeof config };
  return { ...nativeRequire(path.join(folder, 'config/index.js')), folder };
}
