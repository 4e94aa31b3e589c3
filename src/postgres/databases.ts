import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import { type PostgresAddress, quoted, sqlState, sqlStateOf, withConnection } from './connection.js';

/** How a comment of ours on a database begins; it is no part of a template. */
export const ownComment = 'jest-kubernetes:';

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
 * Creates a database as a copy of a template, with what PostgreSQL does not copy: owner, limit, settings, privileges and
 * comment. One that is there already stays as it is, and is given those of them that it has none of.
 * @returns whether it was not there
 */
export async function cloneDatabase(client: Client, name: string, template: string): Promise<boolean> {
  let made = true;
  const { rows } = await client.query<{ owner: string; connections: number }>(
    'SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS connections FROM pg_database WHERE datname = $1',
    [template],
  );
  const more = rows.map(
    ({ owner, connections }) => ` OWNER ${quoted(owner)} CONNECTION LIMIT ${connections}`,
  );
  try {
    await whenFree(() =>
      copyDatabase(client, `${quoted(name)} TEMPLATE ${quoted(template)}${more.join('')}`),
    );
  } catch (error) {
    if (sqlStateOf(error) !== sqlState.duplicateDatabase) throw error;
    made = false;
  }
  await client.query(
    `WITH pair AS (
       SELECT copy.oid, original.oid AS original, original.datacl
       FROM pg_database copy, pg_database original WHERE copy.datname = $1 AND original.datname = $2
     ), settings AS (
       INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
       SELECT oid, setrole, setconfig FROM pg_db_role_setting own JOIN pair ON original = setdatabase
       WHERE NOT EXISTS (
         SELECT FROM pg_db_role_setting present
         WHERE present.setdatabase = oid AND present.setrole = own.setrole
       )
     ), privileges AS (
       UPDATE pg_database copy SET datacl = pair.datacl FROM pair
       WHERE copy.oid = pair.oid AND copy.datacl IS NULL AND pair.datacl IS NOT NULL
     )
     INSERT INTO pg_shdescription (objoid, classoid, description)
     SELECT oid, classoid, description FROM pg_shdescription JOIN pair ON original = objoid
     WHERE classoid = 'pg_database'::regclass AND NOT starts_with(description, $3)
       AND shobj_description(oid, 'pg_database') IS NULL`,
    [name, template, ownComment],
  );
  return made;
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
  // a subscription, which keeps it from being dropped, can be dropped from within alone
  await client.query(
    'DELETE FROM pg_subscription USING pg_database d WHERE subdbid = d.oid AND datname = $1',
    [name],
  );
  await rollBackPrepared(client, name);
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [
    name,
  ]);
  if (rowCount !== 0) await client.query(`ALTER DATABASE ${quoted(name)} IS_TEMPLATE false`);
  await client.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
}

/** They keep a database from being dropped, and can be ended from within alone. */
async function rollBackPrepared(client: Client, name: string): Promise<void> {
  const { rows } = await client.query<{ gid: string }>(
    'SELECT gid FROM pg_prepared_xacts WHERE database = $1',
    [name],
  );
  if (rows.length === 0) return;
  await client.query(`ALTER DATABASE ${quoted(name)} ALLOW_CONNECTIONS true`);
  const { host, port, user = '', password = '' } = client;
  await withConnection({ host, port, user, password }, name, async (within) => {
    for (const { gid } of rows) await within.query(`ROLLBACK PREPARED ${within.escapeLiteral(gid)}`);
  });
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

/** Workers' own; a template's name may end in digits alone too. */
async function runDatabases(client: Client): Promise<{ name: string; run: string }[]> {
  const { rows } = await client.query<{ datname: string }>(
    String.raw`SELECT datname FROM pg_database WHERE datname ~ '^jk_(?!template_)[a-z0-9]+_[0-9]+$'`,
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
