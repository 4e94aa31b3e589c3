/**
 * The package's main job, as a person sees it: packed, installed into an example, and its tests run.
 *
 *   node test/demo.mjs [EXAMPLE]     a folder of examples/, `basic` if none is named
 */
import { spawn } from 'node:child_process';
import { constants, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { install } from './packed/install.mjs';

const example = process.argv[2] ?? 'basic';
const parent = await mkdtemp(join(tmpdir(), 'jest-kubernetes-demo-'));
try {
  console.log(`Building the package and installing it into a copy of examples/${example} …`);
  const folder = await install(
    new URL(`../examples/${example}`, import.meta.url).pathname,
    join(parent, example),
  );
  console.log(`\nexamples/${example}$ npx jest\n`);
  const jest = spawn(join(folder, 'node_modules/.bin/jest'), [], { cwd: folder, stdio: 'inherit' });
  process.on('SIGINT', () => {}); // the terminal tells Jest itself, which then puts its cluster away
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
  process.exitCode = await new Promise((done) => {
    jest.on('close', (status, signal) => done(status ?? 128 + constants.signals[signal]));
  });
} finally {
  await rm(parent, { recursive: true, force: true });
}
