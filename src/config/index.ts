export type {
  ClusterConfig,
  Config,
  ImageSource,
  DatabaseReset,
  Hook,
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
export { readHook } from './hooks.js';
export { loadConfig, loadRunConfig } from './load.js';
export { readChangedModules } from './read-file.js';
export { defaultPostgresImage, defaultPostgresUser } from './resolve.js';
export { pinnedNodeImage } from './node-images.js';
export { ownVariable, serviceVariables } from './service-options.js';
export { isOff, mirrorVariables, unknownVariables } from './variables.js';
export { configWithoutFile } from './without-file.js';
