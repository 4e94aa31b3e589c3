import type * as Native from '../native.js';

const { createRequire } = process.getBuiltinModule('node:module');

/** The native side of this worker, loaded by Node itself: this file and its neighbours run inside Jest's sandbox. */
export const outside = createRequire(__filename)('../native.js') as typeof Native;
