export type {
  ClusterConfig,
  Config,
  ImageSource,
  KeepPolicy,
  Limits,
  ManifestSource,
  PostgresConfig,
  SetupContext,
} from './config.js';
export { loadConfig } from './load.js';
export { mergeConfigs } from './merge.js';
export { isOff, unknownVariables } from './variables.js';
