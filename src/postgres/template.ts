import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import type { PostgresConfig } from '../config/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { beginAdding, dropAdded, noteAdded, templatesThatAdd } from './added.js';
import { asUser, type PostgresAddress, quoted, sqlState, sqlStateOf, withConnection } from './connection.js';
import { cloneDatabase, dropDatabase, ownComment, whenFree } from './databases.js';
import { runInitScripts } from './init-scripts.js';
import { expectClosed, migrate } from './migrate.js';
import { roomRemedy } from './out-of-room.js';
import { withPulse } from './pulse.js';
import { postgresKey } from './template-key.js';

/** What a database gives itself back with; beside this file, in the package too. */
const snapshotFile = join(__dirname, 'snapshot.sql');
const beingMade = `${ownComment} being made`;
const copyOf = (template: string): string => `${ownComment} copy of ${template}`;

export interface TemplateOptions {
  signal: AbortSignal;
  progress: Progress;
  /** Where a `migrate` command runs. */
  cwd: string;
  namespace?: string;
  /**
   * Makes it anew even where it is there: for the first run on a kept cluster, whose migrations may have changed
   * since. Default false.
   */
  rebuild?: boolean;
  /**
   * This run, and all that live: where it is the only one, templates that are not remade in this cluster's life, and
   * what they have added to the server, go. Default: they stay.
   */
  runId?: string;
  liveRuns?: () => readonly string[] | Promise<readonly string[]>;
}

/**
 * Makes the template that workers' databases are copied from, once per server and configuration: those that
 * come while it is made wait for it, and one that was left half made is made anew. `initdb` runs as the image
 * itself runs it (psql, in the pod), then `migrate`.
 *
 * Both work in a database that really is called `config.database` (while no other configuration has that name),
 * which stays, as a copy, for what runs in the cluster.
 *
 * @param address - of the server's superuser
 * @returns the template's name
 * @throws JestKubernetesError POSTGRES_INIT_FAILED, with file and line; SETUP_HOOK_FAILED where `migrate` fails
 */
export async function prepareTemplate(
  access: ClusterAccess,
  config: PostgresConfig,
  address: PostgresAddress,
  options: TemplateOptions,
): Promise<string> {
  const { signal, progress, cwd, rebuild = false, runId, liveRuns } = options;
  const { storage } = config;
  const key = await postgresKey(config, cwd);
  const template = `jk_template_${key}`;
  const make = async (admin: Client): Promise<void> => {
    const own = asUser(address, config);
    const stands = async (): Promise<boolean> => !rebuild && (await commentOf(admin, template)) !== undefined;
    if (await stands()) return;
    await withPulse(address, progress, () => lock(admin, signal, progress));
    await ensureUser(admin, own, address);
    if (await stands()) return;

    const database = await emptyDatabase(admin, config, key, template);
    const alone = (await liveRuns?.())?.every((each) => each === runId) ?? false;
    for (const each of new Set([template, ...(alone ? await templatesThatAdd(admin) : [])])) {
      await dropTemplate(admin, each);
    }
    await beginAdding(admin, template);
    await withPulse(address, progress, async () => {
      await runInitScripts(access, config, database, options);
      signal.throwIfAborted();
      if (config.migrate !== undefined) await migrate(config.migrate, own, database, { ...options, storage });
      await noteAdded(admin, template);
      const snapshot = await readFile(snapshotFile, 'utf8');
      await withConnection(address, database, (client) => client.query(snapshot));
    });

    await leaveAlone(admin, database, typeof config.migrate === 'function');
    await whenFree(() => admin.query(`ALTER DATABASE ${quoted(database)} RENAME TO ${quoted(template)}`));
    if (database !== config.database) return;
    await cloneDatabase(admin, database, template);
    await comment(admin, database, copyOf(template));
  };
  await withConnection(address, undefined, make).catch((error: unknown) => {
    const remedy = roomRemedy(error, storage);
    if (remedy === undefined || error instanceof JestKubernetesError) throw error;
    throw new JestKubernetesError('DISK_FULL', 'PostgreSQL has no room for the template of the databases', {
      evidence: [messageOf(error)],
      remedy,
      cause: error,
    });
  });
  return template;
}

/** Held by this connection, and so gone with its process. */
async function lock(admin: Client, signal: AbortSignal, progress: Progress): Promise<void> {
  progress.waitingFor('another run, which is preparing its database');
  for (;;) {
    const { rows } = await admin.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('jest-kubernetes')) AS held`,
    );
    if (rows[0]?.held === true) return;
    await delay(100, undefined, { signal });
  }
}

/**
 * Packages that share a server may each have a user of their own; tests may do everything, as the image's user may.
 * @throws JestKubernetesError CONFIG_CONFLICT where another package has made the user with another password
 */
async function ensureUser(admin: Client, own: PostgresAddress, address: PostgresAddress): Promise<void> {
  if (own.user === address.user) return;
  const { rowCount } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [own.user]);
  if (rowCount === 0) {
    const password = admin.escapeLiteral(own.password);
    await admin.query(`CREATE ROLE ${quoted(own.user)} SUPERUSER LOGIN PASSWORD ${password}`);
    return;
  }
  await withConnection(own, undefined, () => Promise.resolve()).catch((cause: unknown) => {
    if (sqlStateOf(cause) !== sqlState.invalidPassword) throw cause;
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      `Another package has made PostgreSQL’s user ${own.user} with another password`,
      {
        remedy: 'Give the packages that share a server the same postgres.password, or another postgres.user.',
        cause,
      },
    );
  });
}

/** With its copy for the cluster, and with what its scripts have added to the server. */
async function dropTemplate(admin: Client, template: string): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1`,
    [copyOf(template)],
  );
  for (const { datname } of rows) await dropDatabase(admin, datname);
  await dropWithRows(admin, template);
  await dropAdded(admin, template);
}

/** With the files that its rows were written to. */
async function dropWithRows(admin: Client, database: string): Promise<void> {
  const { rows } = await admin.query<{ folder: string }>(
    `SELECT concat_ws('/', current_setting('data_directory'), 'jest_kubernetes', oid) AS folder
     FROM pg_database WHERE datname = $1`,
    [database],
  );
  await dropDatabase(admin, database);
  for (const { folder } of rows) {
    const remove = admin.escapeLiteral(`rm -rf '${folder}'`);
    await admin.query(`COPY (SELECT WHERE false) TO PROGRAM ${remove}`);
  }
}

/** @returns undefined where there is no such database */
async function commentOf(admin: Client, database: string): Promise<string | undefined> {
  const { rows } = await admin.query<{ comment: string | null }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`,
    [database],
  );
  return rows[0] === undefined ? undefined : (rows[0].comment ?? '');
}

async function comment(admin: Client, database: string, text: string): Promise<void> {
  await admin.query(`COMMENT ON DATABASE ${quoted(database)} IS ${admin.escapeLiteral(text)}`);
}

async function emptyDatabase(
  admin: Client,
  { database: wanted, user }: PostgresConfig,
  key: string,
  template: string,
): Promise<string> {
  const present = await commentOf(admin, wanted);
  const ours = present === undefined || present === beingMade || present === copyOf(template);
  const database = ours ? wanted : `jk_building_${key}`;
  await dropWithRows(admin, database);
  await whenFree(() => admin.query(`CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)}`));
  await comment(admin, database, beingMade);
  return database;
}

/**
 * A database can be renamed and copied only while nobody is connected to it. Connections of the cluster's own
 * pods are closed; one that a `migrate` function forgot is an error.
 */
async function leaveAlone(admin: Client, database: string, hookRan: boolean): Promise<void> {
  await admin.query(`ALTER DATABASE ${quoted(database)} ALLOW_CONNECTIONS false`);
  if (hookRan) await expectClosed(admin, database);
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
}
