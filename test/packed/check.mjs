/** Checks the packed package as a registry's users will meet it: its files, entry points and types. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './install.mjs';

const tarball = await pack();
// node10 knows no `exports`; every supported Node.js and TypeScript setting does
const checks = [
  ['publint', '--strict', tarball],
  ['attw', '--profile', 'node16', tarball],
];
for (const [command, ...args] of checks) {
  if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
}

// a debugger of the user's has no `src` to look into
const unpacked = mkdtempSync(join(tmpdir(), 'jest-kubernetes-check-'));
try {
  spawnSync('tar', ['--extract', '--file', tarball, '--directory', unpacked]);
  const maps = globSync('package/dist/**/*.js.map', { cwd: unpacked });
  if (maps.length === 0)
    throw new Error('the package has no source maps: this check looks in the wrong place');
  for (const map of maps) {
    const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(unpacked, map), 'utf8'));
    if (sourcesContent.filter(Boolean).length === sources.length) continue;
    console.error(`${map} does not hold its sources`);
    process.exitCode = 1;
  }
} finally {
  rmSync(unpacked, { recursive: true });
}

// what TypeScript does not compile must be copied, and is read only where a cluster has been made
const source = fileURLToPath(new URL('../../src', import.meta.url));
const { stdout } = spawnSync('tar', ['--list', '--file', tarball], { encoding: 'utf8' });
const packed = new Set(stdout.split('\n'));
const beside = globSync('**/*.*', { cwd: source }).filter((file) => !file.endsWith('.ts'));
if (beside.length === 0)
  throw new Error(`no file in ${source} but TypeScript: this check looks in the wrong place`);
for (const file of beside.filter((each) => !packed.has(`package/dist/${each}`))) {
  console.error(`src/${file} is not in the package: \`npm run build\` must copy it`);
  process.exitCode = 1;
}
