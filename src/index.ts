export * from './testing/index.js';
export { JestKubernetesError, type ErrorCode } from './support/errors.js';
