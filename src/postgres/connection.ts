import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import type { PostgresConfig } from '../config/index.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { hostInUrl } from '../support/host-in-url.js';
import { postgresClient } from '../support/native.js';

/** A PostgreSQL server as this process reaches it. */
export interface PostgresAddress {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** A server as a package's own user reaches it: packages that share one may each have another. */
export function asUser(
  address: PostgresAddress,
  { user, password }: Pick<PostgresConfig, 'user' | 'password'>,
): PostgresAddress {
  return { ...address, user, password: password ?? address.password };
}

const maintenanceDatabase = 'postgres';
export const applicationName = 'jest-kubernetes';

/** What a database or a role has set for its users is not for us. */
const unhindered = [
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'default_transaction_read_only=off',
  'default_transaction_isolation=read\\ committed',
  'role=none',
  'standard_conforming_strings=on',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** PostgreSQL's codes for what is told apart here. */
export const sqlState = {
  noSuchDatabase: '3D000',
  noSuchSchema: '3F000',
  noSuchFunction: '42883',
  noSuchTable: '42P01',
  notAccepting: '55000',
  duplicateDatabase: '42P04',
  dependedOn: '2BP01',
  tooManyConnections: '53300',
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

/** How long a free connection is waited for, and when that is told, in milliseconds: a test's own limit is 5 s. */
const fullLimit = 60_000;
const fullTold = 2_000;

/** @throws JestKubernetesError POSTGRES_FAILED where none becomes free */
async function connect(
  address: PostgresAddress,
  database: string | undefined,
  patience: number,
): Promise<Client> {
  using waited = new AwakeTimer(Infinity);
  for (let told = false; ;) {
    try {
      return await connectOnce(address, database ?? maintenanceDatabase);
    } catch (error) {
      if (sqlStateOf(error) !== sqlState.tooManyConnections) throw error;
      const server = `PostgreSQL at ${address.host}:${address.port}`;
      if (waited.passed >= patience) {
        throw new JestKubernetesError(
          'POSTGRES_FAILED',
          `${server} has had no connection free for ${Math.round(patience / 1000)} s`,
          { evidence: [messageOf(error)], remedy: allTaken, cause: error },
        );
      }
      if (waited.passed >= Math.min(fullTold, patience) && !told) {
        process.stderr.write(`jest-kubernetes: waiting for a free connection of ${server}. ${allTaken}\n`);
        told = true;
      }
    }
    await delay(100);
  }
}

const allTaken =
  'Close pools where a test file ends (afterAll(() => pool.end())), make them smaller, or raise max_connections in postgres.settings.';

async function connectOnce(address: PostgresAddress, database: string): Promise<Client> {
  const { host, port, user, password } = address;
  const client = new (postgresClient().Client)({
    host,
    port,
    user,
    password,
    database,
    ssl: false,
    application_name: applicationName,
    options: unhindered,
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

/** @param patience - how long it may be that the server has no connection free, in milliseconds; default 60 s */
export async function withConnection<T>(
  address: PostgresAddress,
  database: string | undefined,
  use: (client: Client) => Promise<T>,
  patience = fullLimit,
): Promise<T> {
  const client = await connect(address, database, patience);
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
  const authority = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@${hostInUrl(host)}:${port}`;
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
