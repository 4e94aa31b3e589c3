export type { PostgresAddress } from './connection.js';
export { dropDeadRunDatabases, dropRunDatabases } from './databases.js';
export { postgresName, postgresNamespace, postgresNodePort, serverSignature } from './objects.js';
export { deployPostgres, waitForPostgres, type PostgresServer } from './server.js';
export { postgresKey } from './template-key.js';
export { prepareTemplate } from './template.js';
export {
  createWorkerDatabase,
  postgresVariables,
  resetWorkerDatabase,
  workerPostgres,
} from './worker-database.js';
