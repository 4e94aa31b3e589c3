import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import type { PostgresConfig } from '../config/index.js';
import type { Progress } from '../report/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { processes } from '../support/native.js';
import { applicationName, databaseVariables, type PostgresAddress } from './connection.js';
import { roomRemedy } from './out-of-room.js';

type Hook = NonNullable<PostgresConfig['migrate']>;
type Variables = Readonly<Record<string, string>>;

interface MigrateOptions {
  signal: AbortSignal;
  progress: Progress;
  /** Where a command runs. */
  cwd: string;
  /** Where the server's files lie. Default: in memory. */
  storage?: PostgresConfig['storage'] | undefined;
}

/**
 * Runs `migrate`, a function or a command, on a database.
 * @throws JestKubernetesError SETUP_HOOK_FAILED
 */
export async function migrate(
  hook: Hook,
  address: PostgresAddress,
  database: string,
  options: MigrateOptions,
): Promise<void> {
  const variables = databaseVariables(address, database);
  options.progress.waitingFor('postgres.migrate');
  if (typeof hook === 'function') await byFunction(hook, variables, options);
  else await byCommand(hook, variables, options);
}

async function byFunction(
  hook: Extract<Hook, CallableFunction>,
  variables: Variables,
  { storage }: MigrateOptions,
): Promise<void> {
  try {
    await hook({ url: variables['DATABASE_URL'] ?? '', env: variables });
  } catch (error) {
    throw new JestKubernetesError('SETUP_HOOK_FAILED', 'postgres.migrate failed', {
      evidence: [messageOf(error)],
      remedy: roomRemedy(error, storage),
      cause: error,
    });
  }
}

async function byCommand(
  command: string,
  variables: Variables,
  { signal, progress, cwd, storage }: MigrateOptions,
): Promise<void> {
  const child = processes().execa(command, {
    shell: true,
    cwd,
    env: variables,
    preferLocal: true,
    localDir: cwd,
    all: true,
    stdin: 'ignore',
    cancelSignal: signal,
    reject: false,
  });
  for await (const line of child.iterable({ from: 'all' })) progress.moved(line);
  const result = await child;
  signal.throwIfAborted();
  if (!result.failed) return;
  throw new JestKubernetesError('SETUP_HOOK_FAILED', `postgres.migrate failed: ${command}`, {
    evidence: [
      ...result.all.trim().split('\n').slice(-20),
      `exit status ${result.exitCode ?? 'none'}, in ${cwd}`,
    ],
    remedy:
      roomRemedy(result.all, storage) ??
      'It is run with DATABASE_URL and the PG variables of a new database; run it by hand to see more.',
  });
}

/**
 * Waits for a `migrate` function's connections to be gone; its database must be alone to be copied.
 * @throws JestKubernetesError SETUP_HOOK_FAILED where it forgot some: closing them would take this process with it
 */
export async function expectClosed(admin: Client, database: string): Promise<void> {
  let open = await lastQueries(admin, database);
  // a closed connection's process lives a moment longer
  for (let tries = 0; tries < 40 && open.length > 0; tries += 1) {
    await delay(50);
    open = await lastQueries(admin, database);
  }
  if (open.length === 0) return;
  throw new JestKubernetesError(
    'SETUP_HOOK_FAILED',
    `postgres.migrate left ${open.length === 1 ? 'a connection' : `${open.length} connections`} open`,
    {
      evidence: open.map((query) => `its last query: ${query.slice(0, 200)}`),
      remedy:
        'Close them before migrate returns (await pool.end(), await client.end()): workers’ databases are copied from this one.',
    },
  );
}

/** Of connections that come from where ours come from, other than ours. */
async function lastQueries(admin: Client, database: string): Promise<string[]> {
  const { rows } = await admin.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity
     WHERE datname = $1 AND application_name <> $2 AND client_addr IS NOT DISTINCT FROM inet_client_addr()`,
    [database, applicationName],
  );
  return rows.map(({ query }) => query);
}
