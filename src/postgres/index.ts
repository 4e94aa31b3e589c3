export { asUser, type PostgresAddress } from './connection.js';
export { dropDeadRunDatabases, dropRunDatabases } from './databases.js';
export { deployPostgres, startPostgres, type PostgresServer } from './deploy.js';
export { initializePostgres } from './initialized.js';
export { postgresName, postgresNodePort, serverSignature, type PostgresPlacement } from './objects.js';
export { postgresKey } from './template-key.js';
export { prepareTemplate } from './template.js';
export { waitForPostgres } from './wait-for-postgres.js';
export {
  createWorkerDatabase,
  postgresVariables,
  resetWorkerDatabase,
  workerPostgres,
} from './worker-database.js';
