export { captureSnapshot } from './capture.js';
export { cloneArgs } from './container-args.js';
export {
  clusterToCapture,
  contentOf,
  type DatabaseServer,
  isOriginal,
  type SnapshotContent,
  snapshotKey,
  withoutSnapshot,
} from './content.js';
export { introduceClone } from './rest.js';
export {
  dropSnapshot,
  findSnapshot,
  hasPlace,
  listSnapshots,
  pruneSnapshots,
  type Snapshot,
  tagSnapshot,
} from './store.js';
