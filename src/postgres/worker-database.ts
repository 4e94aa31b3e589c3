import type { Client } from 'pg';

import type { DatabaseReset, PostgresConfig } from '../config/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import {
  databaseVariables,
  type PostgresAddress,
  sqlState,
  sqlStateOf,
  withConnection,
} from './connection.js';
import { cloneDatabase, dropDatabase, workerDatabaseName } from './databases.js';
import { isAway, outlasting } from './outlasting.js';

/** The variable that tells workers of the server, as JSON. */
const postgresVariable = 'JEST_KUBERNETES_POSTGRES';

/** What a worker needs to know to have a database of its own. */
export interface WorkerPostgres extends PostgresAddress {
  template: string;
  runId: string;
  reset: DatabaseReset;
  /** Where the server's files lie. Default: in memory. */
  storage?: PostgresConfig['storage'];
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

/**
 * Creates a worker's database, or, where it is there and the configuration asks for it, gives it back; and returns its
 * variables. A transaction that a test file before this one has left open ends with its connection.
 *
 * @param patience - how long the server may be away, in milliseconds; default 60 s
 * @throws JestKubernetesError POSTGRES_FAILED where it stays away, or has lost the template
 */
export async function createWorkerDatabase(
  postgres: WorkerPostgres,
  workerId: string,
  patience?: number,
): Promise<Record<string, string>> {
  const name = workerDatabaseName(postgres.runId, workerId);
  const work = (): Promise<boolean> =>
    withConnection(postgres, undefined, (client) => copyTemplate(client, name, postgres.template));
  const made = await outlasting(postgres, work, patience);
  if (!made && postgres.reset !== 'never') {
    await resetWorkerDatabase(postgres, name).catch((error: unknown) => {
      if (!(error instanceof JestKubernetesError) || !standsInTheWay.has(sqlStateOf(error.cause)))
        throw error;
      return outlasting(postgres, () => copyAnew(postgres, name));
    });
  }
  return databaseVariables(postgres, name);
}

/**
 * Gives a database back as the template is. Connections to it stay open, unless a test has changed what the template
 * has in its schema: then it is dropped, its connections with it, and copied anew.
 *
 * @throws JestKubernetesError POSTGRES_FAILED where an open transaction stands in the way, or the server stays away
 */
export async function resetWorkerDatabase(postgres: WorkerPostgres, name: string): Promise<void> {
  await outlasting(postgres, async () => {
    if (!(await resetInPlace(postgres, name))) await copyAnew(postgres, name);
  });
}

async function copyAnew(postgres: WorkerPostgres, name: string): Promise<void> {
  await withConnection(postgres, undefined, async (client) => {
    await dropDatabase(client, name);
    await copyTemplate(client, name, postgres.template);
  });
}

async function copyTemplate(client: Client, name: string, template: string): Promise<boolean> {
  try {
    return await cloneDatabase(client, name, template);
  } catch (error) {
    if (sqlStateOf(error) !== sqlState.noSuchDatabase) throw error;
    throw new JestKubernetesError('POSTGRES_FAILED', 'PostgreSQL has lost the databases of this run', {
      evidence: [messageOf(error)],
      remedy: 'They lay in memory, and went when its pod or its node was replaced: run again.',
      cause: error,
    });
  }
}

const standsInTheWay = new Set<string | undefined>([sqlState.lockNotAvailable, sqlState.deadlock]);

/** @returns false where it cannot: a test has changed what it resets, or resets with */
async function resetInPlace(postgres: WorkerPostgres, name: string): Promise<boolean> {
  try {
    return await withConnection(postgres, name, async (client) => {
      try {
        const { rows } = await client.query<{ same: boolean }>('SELECT jest_kubernetes.reset() AS same');
        return rows[0]?.same === true;
      } catch (error) {
        if (standsInTheWay.has(sqlStateOf(error))) throw await stillOpen(client, error);
        if (isAway(error)) throw error;
        return false;
      }
    });
  } catch (error) {
    if (sqlStateOf(error) === sqlState.noSuchDatabase || sqlStateOf(error) === sqlState.notAccepting)
      return false;
    throw error;
  }
}

async function stillOpen(client: Client, cause: unknown): Promise<JestKubernetesError> {
  const { rows } = await client.query<{ id: string; state: string; query: string }>(
    `SELECT pid::text AS id, state, query FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
     UNION ALL SELECT gid, 'prepared', 'PREPARE TRANSACTION' FROM pg_prepared_xacts WHERE database = current_database()`,
  );
  return new JestKubernetesError(
    'POSTGRES_FAILED',
    'resetDatabase() waited in vain for a transaction to end',
    {
      evidence: rows.map(
        (row) => `connection ${row.id} (${row.state}), last query: ${row.query.slice(0, 200)}`,
      ),
      remedy:
        'Commit or roll back before resetDatabase(), in a finally block where a test may fail in between.',
      cause,
    },
  );
}
