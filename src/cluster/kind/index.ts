export { inotifyForNodes, makeRoomOnDisk, moreMemory, nodeMemory, raiseInotify } from './kind-failures.js';
export { lookForKind } from './find-kind.js';
export { nodesContainers } from './node-containers.js';
export { deleteContainers } from './delete-containers.js';
export { findKind } from './find-kind.js';
export { kindProvider, type KindProviderOptions } from './kind-provider.js';
export { memoryInUse } from './node-containers.js';
export { clusterToCapture, type DatabaseServer, isOriginal, type Snapshot } from './snapshot/index.js';
export {
  askedSnapshot,
  type AskedSnapshot,
  listSnapshots,
  makeSnapshotOf,
  mayMakeSnapshot,
  pruneSnapshots,
  snapshotFor,
  snapshotOfKey,
  withUnfinished,
} from './snapshots.js';
