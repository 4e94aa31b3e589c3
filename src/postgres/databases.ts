import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import { type PostgresAddress, quoted, sqlState, sqlStateOf, withConnection } from './connection.js';

/** A run as it stands in the names of its databases. */
function runPart(runId: string): string {
  return runId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 40);
}

export function workerDatabaseName(runId: string, workerId: string): string {
  return `jk_${runPart(runId)}_${workerId}`;
}

/**
 * Creates a database as a copy of a template, the template's `ALTER DATABASE … SET` settings included; one that is
 * there already stays as it is, and is given those settings that it has none for.
 */
export async function cloneDatabase(client: Client, name: string, template: string): Promise<void> {
  try {
    await whenFree(() => copyDatabase(client, `${quoted(name)} TEMPLATE ${quoted(template)}`));
  } catch (error) {
    if (sqlStateOf(error) !== sqlState.duplicateDatabase) throw error;
  }
  await client.query(
    `INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
     SELECT copy.oid, own.setrole, own.setconfig FROM pg_db_role_setting own
     JOIN pg_database original ON original.oid = own.setdatabase AND original.datname = $1
     JOIN pg_database copy ON copy.datname = $2
     WHERE NOT EXISTS (
       SELECT FROM pg_db_role_setting present
       WHERE present.setdatabase = copy.oid AND present.setrole = own.setrole
     )`,
    [template, name],
  );
}

/** By copying files, which without fsync takes half as long as by way of the log, and where that can be chosen. */
async function copyDatabase(client: Client, what: string): Promise<void> {
  try {
    await client.query(`CREATE DATABASE ${what} STRATEGY FILE_COPY`);
  } catch (error) {
    // before PostgreSQL 15, files were copied anyway
    if (sqlStateOf(error) !== sqlState.syntaxError) throw error;
    await client.query(`CREATE DATABASE ${what}`);
  }
}

/** Drops a database and closes the connections to it; one that is gone already is fine. */
export async function dropDatabase(client: Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
}

/** Tries again while another session holds a database that must be alone for a moment. */
export async function whenFree<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      // PostgreSQL itself has waited 5 s by then
      if (sqlStateOf(error) !== sqlState.objectInUse || tries >= 5) throw error;
      await delay(50 * tries);
    }
  }
}

async function runDatabases(client: Client): Promise<{ name: string; run: string }[]> {
  const { rows } = await client.query<{ datname: string }>(
    String.raw`SELECT datname FROM pg_database WHERE datname ~ '^jk_[a-z0-9]+_[0-9]+$'`,
  );
  return rows.map(({ datname }) => ({ name: datname, run: datname.split('_')[1] ?? '' }));
}

/** Drops every worker's database of a finished run. */
export async function dropRunDatabases(address: PostgresAddress, runId: string): Promise<void> {
  await withConnection(address, undefined, async (client) => {
    for (const { name, run } of await runDatabases(client)) {
      if (run === runPart(runId)) await dropDatabase(client, name);
    }
  });
}

/**
 * Drops the databases of runs that are gone.
 *
 * @param liveRuns - the ids of the runs that live; asked after the databases were listed, so that a run which
 *   begins meanwhile loses nothing
 * @returns the names of the databases dropped
 */
export async function dropDeadRunDatabases(
  address: PostgresAddress,
  liveRuns: () => readonly string[] | Promise<readonly string[]>,
): Promise<string[]> {
  return withConnection(address, undefined, async (client) => {
    const databases = await runDatabases(client);
    const live = new Set((await liveRuns()).map(runPart));
    const dead = databases.filter(({ run }) => !live.has(run)).map(({ name }) => name);
    for (const name of dead) await dropDatabase(client, name);
    return dead;
  });
}
