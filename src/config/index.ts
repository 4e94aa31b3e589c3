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
export { loadConfig, loadRunConfig } from './load.js';
export { unknownVariables } from './variables.js';
