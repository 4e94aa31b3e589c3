export { writeBundle, type BundleOptions } from './bundle.js';
export { diagnose, isFatal, portIn, toError, type CauseName, type Diagnosis } from './causes.js';
export { portOwner } from './host.js';
export { masker } from './mask.js';
export { observe, type ObserveOptions } from './observe.js';
export type { DiagnosisContext, PortOwner, Snapshot } from './snapshot.js';
export { watchForCause, type WatchOptions } from './watch.js';
