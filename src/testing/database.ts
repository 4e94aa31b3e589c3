import { createWorkerDatabase, resetWorkerDatabase, workerPostgres } from '../postgres/index.js';
import { JestKubernetesError } from '../support/errors.js';

/** This worker's own database. */
export interface Database {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** All of it, as a connection string: what `DATABASE_URL` holds. */
  url: string;
}

/** The variable that names the worker whose database the others tell of: they are inherited, it is compared. */
const ownerVariable = 'JEST_KUBERNETES_DATABASE_OF';

/**
 * Gives this worker its database, before a test file's modules load: creates it the first time, and sets
 * `PGDATABASE` and `DATABASE_URL`; later gives it back, unless the configuration says `reset: 'never'`. Does nothing in
 * a run without `postgres`.
 */
export async function prepareWorkerDatabase(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const postgres = workerPostgres(env);
  if (postgres === undefined) return;
  const workerId = env['JEST_WORKER_ID'] ?? '1';
  const owner = `${String(process.pid)}/${postgres.runId}/${workerId}`;
  if (env[ownerVariable] === owner && postgres.reset === 'never') return;
  Object.assign(env, await createWorkerDatabase(postgres, workerId), { [ownerVariable]: owner });
}

/**
 * This worker's own database, the same that `DATABASE_URL` and the `PG*` variables tell of.
 *
 * @throws JestKubernetesError NO_CLUSTER in a run without `postgres`
 */
export function database(): Database {
  const { PGDATABASE, DATABASE_URL } = process.env;
  const postgres = workerPostgres(process.env);
  if (postgres === undefined || PGDATABASE === undefined || DATABASE_URL === undefined) {
    throw new JestKubernetesError('NO_CLUSTER', 'This run has no PostgreSQL', {
      remedy: 'Set postgres: true in jest-kubernetes.config, and use the preset’s test environment.',
    });
  }
  const { host, port, user, password } = postgres;
  return { host, port, user, password, database: PGDATABASE, url: DATABASE_URL };
}

/** Whether each test begins with the database given back. */
export const resetsEachTest = (env: NodeJS.ProcessEnv = process.env): boolean =>
  workerPostgres(env)?.reset === 'test';

/**
 * Gives this worker's database back as `initdb` and `migrate` left it: rows, sequences, large objects and the schema.
 * Open connections and pools stay usable, unless a test has altered or dropped what the template has: then they are
 * closed, which an idle `Pool` tells by its event `error`.
 *
 * @throws JestKubernetesError POSTGRES_FAILED where a transaction is still open that holds what must be reset
 */
export async function resetDatabase(): Promise<void> {
  const { database: name } = database();
  const postgres = workerPostgres(process.env);
  if (postgres !== undefined) await resetWorkerDatabase(postgres, name);
}
