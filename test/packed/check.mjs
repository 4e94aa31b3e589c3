/** Checks the packed package as a registry's users will meet it: its files, entry points and types. */
import { spawnSync } from 'node:child_process';
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
