import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');

/** The package's source as plain Node.js runs it, for the child processes of a test; beside node_modules, which it needs. */
export function compileSource(): { folder: string; remove: () => void } {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'jest-kubernetes-'));
  const quick = [
    '--noCheck',
    '--declaration',
    'false',
    '--sourceMap',
    'false',
    '--inlineSources',
    'false',
    '--outDir',
    folder,
  ];
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.build.json'), ...quick]);
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
