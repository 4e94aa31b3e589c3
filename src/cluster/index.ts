export { existingProvider } from './existing/index.js';
export { kindProvider, type KindProvider } from './kind/index.js';
export {
  clusterFolder,
  describeHolder,
  listClusters,
  openCluster,
  removeAbandoned,
  runFolder,
  takeDown,
  type ClusterLease,
  type ClusterState,
  type Json,
  type KnownCluster,
  type RemovalRecord,
  type WantedCluster,
} from './leases/index.js';
export type { ClusterCreation, ClusterNode, ClusterProvider } from './provider.js';
export { describeRemoval, removeCluster } from './remove.js';
export { startWatchdog, sweep, type Watchdog } from './watchdog/index.js';
