import { runInThisContext } from 'node:vm';

import type * as Native from '../native.js';

// This file and its neighbours run inside Jest's sandbox, whose `process` and `module` are Jest's own. What "this
// context" is to node:vm is Node's own context, in any test environment, with Jest 29 and 30.
const node = runInThisContext('process') as NodeJS.Process;

/** The native side of this worker, loaded by Node itself. */
export const outside = node.getBuiltinModule('node:module').createRequire(__filename)(
  '../native.js',
) as typeof Native;
