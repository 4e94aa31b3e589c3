export type {
  ClusterConfig,
  Config,
  ImageSource,
  DatabaseReset,
  KeepPolicy,
  Limits,
  ManifestPlace,
  ManifestSource,
  NodeConfig,
  NodeRole,
  PostgresConfig,
  ServiceConfig,
  SetupContext,
  Taint,
} from './config.js';
export { readPackage } from './find.js';
export { kubeconfigFiles } from './existing-cluster.js';
export { loadConfig, loadRunConfig } from './load.js';
export { defaultPostgresImage } from './resolve.js';
export { pinnedNodeImage } from './node-images.js';
export { isOff, mirrorVariables, unknownVariables } from './variables.js';
export { configWithoutFile } from './without-file.js';
