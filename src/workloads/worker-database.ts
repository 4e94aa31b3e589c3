import { JestKubernetesError, messageOf } from '../support/errors.js';
import {
  cloneDatabase,
  databaseVariables,
  dropDatabase,
  sqlState,
  sqlStateOf,
  withConnection,
  workerDatabaseName,
} from './databases.js';
import type { PostgresAddress } from './databases.js';

/** The variable that tells workers of the server, as JSON. */
export const postgresVariable = 'JEST_KUBERNETES_POSTGRES';

/** What a worker needs to know to have a database of its own. */
export interface WorkerPostgres extends PostgresAddress {
  template: string;
  runId: string;
}

/** What the parent sets; a worker adds `PGDATABASE` and `DATABASE_URL` for itself. */
export function postgresVariables(postgres: WorkerPostgres): Record<string, string> {
  const { host, port, user, password } = postgres;
  return {
    [postgresVariable]: JSON.stringify(postgres),
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
  };
}

/** The server as the parent told of it; undefined in a run without `postgres`. */
export function workerPostgres(env: NodeJS.ProcessEnv): WorkerPostgres | undefined {
  const text = env[postgresVariable];
  return text === undefined ? undefined : (JSON.parse(text) as WorkerPostgres);
}

/** Creates a worker's database, unless it is there, and returns its variables. */
export async function createWorkerDatabase(
  postgres: WorkerPostgres,
  workerId: string,
): Promise<Record<string, string>> {
  const name = workerDatabaseName(postgres.runId, workerId);
  await withConnection(postgres, undefined, (client) => cloneDatabase(client, name, postgres.template));
  return databaseVariables(postgres, name);
}

/**
 * Gives a database back as the template is. Connections to it stay open, unless a test has changed the schema
 * itself: then it is dropped, its connections with it, and copied anew.
 *
 * @throws JestKubernetesError POSTGRES_FAILED where an open transaction stands in the way
 */
export async function resetWorkerDatabase(postgres: WorkerPostgres, name: string): Promise<void> {
  const same = await withConnection(postgres, name, async (client) => {
    try {
      const { rows } = await client.query<{ same: boolean }>('SELECT jest_kubernetes.reset() AS same');
      return rows[0]?.same === true;
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === sqlState.lockNotAvailable || state === sqlState.deadlock) {
        const { rows } = await client.query<{ pid: number; state: string; query: string }>(
          `SELECT pid, state, query FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
        );
        throw new JestKubernetesError(
          'POSTGRES_FAILED',
          `resetDatabase() waited in vain for a transaction to end`,
          {
            evidence: rows.map(
              (row) => `connection ${row.pid} (${row.state}), last query: ${row.query.slice(0, 200)}`,
            ),
            remedy:
              'Commit or roll back before resetDatabase(), in a finally block where a test may fail in between.',
            cause: error,
          },
        );
      }
      // the schema that resets, or a part of it, was dropped by a test
      if (state === '3F000' || state === '42883' || state === '42P01') return false;
      throw new JestKubernetesError('POSTGRES_FAILED', `${name} could not be reset`, {
        evidence: [messageOf(error)],
        cause: error,
      });
    }
  });
  if (same) return;
  await withConnection(postgres, undefined, async (client) => {
    await dropDatabase(client, name);
    await cloneDatabase(client, name, postgres.template);
  });
}
