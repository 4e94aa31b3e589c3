export {
  findAbandoned,
  listClusters,
  deleteAbandoned,
  deleteIfAbandoned,
  takeDown,
  type KnownCluster,
} from './abandoned.js';
export { clusterFolder, discardRemains, failureMark } from './file-store.js';
export { Mutex } from './mutex.js';
export { releaseDeadRuns } from './dead-runs.js';
export { claimRun, currentContext, findDeadRuns, readRun, runFolder } from './run-folder.js';
export type { DeleteCluster, RemovalRecord } from './deletion.js';
export { openCluster, type ClusterLease, type LeaseOptions } from './leases.js';
export { describeHolder, type ClusterState, type Json, type Made, type Removal } from './state.js';
