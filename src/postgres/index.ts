export {
  databaseVariables,
  dropDeadRunDatabases,
  dropRunDatabases,
  type PostgresAddress,
} from './databases.js';
export {
  postgresName,
  postgresNamespace,
  postgresNodePort,
  postgresObjects,
  serverSignature,
  type PostgresPlacement,
} from './objects.js';
export { deployPostgres, startPostgres, waitForPostgres, type PostgresServer } from './server.js';
export { postgresKey, prepareTemplate } from './template.js';
export {
  createWorkerDatabase,
  postgresVariables,
  resetWorkerDatabase,
  workerPostgres,
  type WorkerPostgres,
} from './worker-database.js';
