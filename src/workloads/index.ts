export { applyObjects } from './apply.js';
export { databaseVariables, dropDeadRunDatabases, dropRunDatabases } from './databases.js';
export type { PostgresAddress } from './databases.js';
export { describeObject } from './objects.js';
export { owned, removeOwned } from './owned.js';
export type { KubernetesObject } from './objects.js';
export { forwardPort } from './port-forward.js';
export type { PortForward } from './port-forward.js';
export {
  postgresName,
  postgresNamespace,
  postgresNodePort,
  postgresObjects,
  serverSignature,
} from './postgres-objects.js';
export type { PostgresPlacement } from './postgres-objects.js';
export { deployPostgres, waitForPostgres } from './postgres.js';
export type { PostgresServer } from './postgres.js';
export { parseManifest, readManifests } from './read-manifests.js';
export type { ManifestObject, Manifests } from './read-manifests.js';
export { postgresKey, prepareTemplate } from './template.js';
export {
  createWorkerDatabase,
  postgresVariables,
  resetWorkerDatabase,
  workerPostgres,
} from './worker-database.js';
export type { WorkerPostgres } from './worker-database.js';
