export { deleteContainers } from './delete-containers.js';
export { findKind } from './find-kind.js';
export { kindProvider, type KindProviderOptions } from './kind-provider.js';
export { clusterToCapture, pruneSnapshots, listSnapshots, type Snapshot } from './snapshot/index.js';
export { askedSnapshot, type AskedSnapshot, makeSnapshotOf, snapshotOfKey } from './snapshots.js';
