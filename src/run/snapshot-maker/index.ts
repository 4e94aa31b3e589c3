export { failedSnapshots, forgetFailure } from './notes.js';
export { makesByItself, type SnapshotConfig, startMaker } from './start.js';
