/** Prints the path of the kind that the installed package uses: the one on PATH, else the one that it downloads. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.argv[2], 'package.json'));
const { findKind } = require('./node_modules/jest-kubernetes/dist/cluster/kind/index.js');
const silent = { moved() {}, waitingFor() {}, note() {} };
const { command } = await findKind({
  env: process.env,
  signal: new AbortController().signal,
  progress: silent,
});
console.log(command);
