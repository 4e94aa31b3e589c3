import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import { messageOf } from '../support/errors.js';
import { postgresClient } from '../support/native.js';

/** A PostgreSQL server as this process reaches it. */
export interface PostgresAddress {
  host: string;
  port: number;
  user: string;
  password: string;
}

const maintenanceDatabase = 'postgres';
export const applicationName = 'jest-kubernetes';

/** PostgreSQL's codes for what is told apart here. */
export const sqlState = {
  noSuchDatabase: '3D000',
  noSuchSchema: '3F000',
  noSuchFunction: '42883',
  noSuchTable: '42P01',
  duplicateDatabase: '42P04',
  objectInUse: '55006',
  lockNotAvailable: '55P03',
  deadlock: '40P01',
  syntaxError: '42601',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
} as const;

export function sqlStateOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

/** Stopped, crashed, or not up yet; a connection lost on the way; a port at which nobody listens. */
const awayCode = /^(?:57P0[123]|08\w{3}|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
/** What pg says of a connection that ends without a word from the server, which has no code. */
const awayMessage = /^(?:Connection terminated|timeout expired)/;

/** Whether this is how a server looks that is being started anew: it may answer again. */
export function isAway(error: unknown): boolean {
  return awayCode.test(sqlStateOf(error) ?? '') || awayMessage.test(messageOf(error));
}

export async function connect(address: PostgresAddress, database = maintenanceDatabase): Promise<Client> {
  const { host, port, user, password } = address;
  const client = new (postgresClient().Client)({
    host,
    port,
    user,
    password,
    database,
    ssl: false,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
  });
  // a connection that breaks between two queries fails the next one; without a listener it would end the process
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

export async function withConnection<T>(
  address: PostgresAddress,
  database: string | undefined,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect(address, database);
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function urlOf({ host, port, user, password }: PostgresAddress, database: string): string {
  const authority = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}`;
  return `postgresql://${authority}/${encodeURIComponent(database)}`;
}

/** The variables by which PostgreSQL's clients find a database. */
export function databaseVariables(address: PostgresAddress, database: string): Record<string, string> {
  return {
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGPASSWORD: address.password,
    PGDATABASE: database,
    DATABASE_URL: urlOf(address, database),
  };
}

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
