export { writeBundle } from './bundle.js';
export { bundlePath } from './bundle/folder.js';
export { diagnose, portIn, toError, type CauseName, type Diagnosis } from './causes.js';
export { observe, type ObserveOptions } from './observe.js';
export { watchForCause } from './watch.js';
export type { ObjectReference, Scope } from './scope.js';
export { formatCause } from './tests/format.js';
export { leaveFile } from './tests/write.js';
export { type Look, lookAtTest, type RedTest } from './tests/look.js';
