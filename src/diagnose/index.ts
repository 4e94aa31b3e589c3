export { writeBundle } from './bundle.js';
export { diagnose, portIn, toError, type CauseName, type Diagnosis } from './causes.js';
export { observe, type ObserveOptions } from './observe.js';
export { watchForCause } from './watch.js';
export type { ObjectReference, Scope } from './scope.js';
