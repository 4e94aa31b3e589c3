export { existingProvider } from './existing/index.js';
export {
  askedSnapshot,
  clusterToCapture,
  isOriginal,
  kindProvider,
  listSnapshots,
  makeSnapshotOf,
  mayMakeSnapshot,
  memoryInUse,
  pruneSnapshots,
  snapshotFor,
  snapshotOfKey,
  type AskedSnapshot,
  type DatabaseServer,
  type KindProviderOptions,
  type Snapshot,
} from './kind/index.js';
export {
  clusterFolder,
  failureMark,
  describeHolder,
  listClusters,
  Mutex,
  releaseDeadRuns,
  openCluster,
  deleteAbandoned,
  runFolder,
  findAbandoned,
  findDeadRuns,
  takeDown,
  type ClusterLease,
  type ClusterState,
  type Json,
  type KnownCluster,
  type RemovalRecord,
} from './leases/index.js';
export type { ClusterNode, ClusterProvider, HostAndPort, JoinedCluster } from './provider.js';
export { deleteCluster, describeDeletion } from './delete-cluster.js';
export { startWatchdog, sweep, type Watchdog } from './watchdog/index.js';
export {
  inotifyForNodes,
  lookForKind,
  makeRoomOnDisk,
  moreMemory,
  nodeMemory,
  nodesContainers,
  raiseInotify,
} from './kind/index.js';
