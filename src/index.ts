export {
  client,
  database,
  kubeConfig,
  namespace,
  resetDatabase,
  type ApiClass,
  type Database,
} from './testing/index.js';
export { JestKubernetesError, type ErrorCode } from './support/errors.js';
