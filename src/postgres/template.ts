import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from 'pg';

import type { PostgresConfig } from '../config/config.js';
import { ExecRefused, execInPod, openApi, type ClusterAccess } from '../kubernetes/index.js';
import type { Progress } from '../report/progress.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import {
  applicationName,
  cloneDatabase,
  databaseVariables,
  dropDatabase,
  quoted,
  whenFree,
  withConnection,
} from './databases.js';
import type { PostgresAddress } from './databases.js';
import { processes } from '../support/native.js';
import { postgresName, postgresNamespace, postgresPod, shortHash } from './objects.js';
import { snapshotSql } from './snapshot.js';

const beingMade = 'jest-kubernetes: being made';
const copyOf = (template: string): string => `jest-kubernetes: copy of ${template}`;

/** One script or a file that scripts read. */
interface InitFile {
  path: string;
  mode: number;
  content: Buffer;
}

/** An entry of `initdb`: a file, or a folder with its files in the order of their names. */
type InitFolder = readonly InitFile[];

async function readInitdb(entries: readonly string[]): Promise<InitFolder[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const found = await stat(entry).catch((error: unknown) => {
        throw new JestKubernetesError(
          'POSTGRES_INIT_FAILED',
          `${entry}, which postgres.initdb names, is not there`,
          {
            cause: error,
          },
        );
      });
      const paths = found.isDirectory()
        ? (await readdir(entry, { withFileTypes: true }))
            .filter((file) => file.isFile())
            .map(({ name }) => join(entry, name))
            .sort()
        : [entry];
      return Promise.all(
        paths.map(async (path) => ({ path, mode: (await stat(path)).mode, content: await readFile(path) })),
      );
    }),
  );
}

/**
 * What a template is made of, as a short hash: the scripts' contents, the command or function that migrates and
 * where it runs. What a migration reads (its files) is not part of it: see `rebuild` of `prepareTemplate`.
 */
export async function postgresKey(config: PostgresConfig, rootDir: string): Promise<string> {
  const folders = await readInitdb(config.initdb);
  const files = folders
    .flat()
    .flatMap(({ path, content }) => [basename(path), createHash('sha256').update(content).digest('hex')]);
  const migrate = config.migrate === undefined ? [] : [String(config.migrate), rootDir];
  return shortHash(config.database, config.user, String(files.length), ...files, ...migrate);
}

export interface TemplateOptions {
  signal: AbortSignal;
  progress: Progress;
  /** Where a `migrate` command runs. */
  rootDir: string;
  namespace?: string;
  /**
   * Makes it anew even where it is there: for the first run on a kept cluster, whose migrations may have changed
   * since. Default false.
   */
  rebuild?: boolean;
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
  const { signal, progress, rootDir, rebuild = false } = options;
  const key = await postgresKey(config, rootDir);
  const template = `jk_template_${key}`;
  await withConnection(address, undefined, async (admin) => {
    await lock(admin, signal, progress);
    await ensureUser(admin, config, address);
    if (!rebuild && (await commentOf(admin, template)) !== undefined) return;

    const database = await emptyDatabase(admin, config.database, key, template);
    const own = { ...address, user: config.user, password: config.password ?? address.password };
    await runInitdb(access, config, database, options);
    signal.throwIfAborted();
    if (config.migrate !== undefined) await migrate(config.migrate, own, database, options);
    await withConnection(address, database, (client) => client.query(snapshotSql));

    await leaveAlone(admin, database, typeof config.migrate === 'function');
    await dropDatabase(admin, template);
    await whenFree(() => admin.query(`ALTER DATABASE ${quoted(database)} RENAME TO ${quoted(template)}`));
    if (database !== config.database) return;
    await cloneDatabase(admin, database, template);
    await comment(admin, database, copyOf(template));
  });
  return template;
}

/** Held by this connection, and so gone with its process. */
async function lock(admin: Client, signal: AbortSignal, progress: Progress): Promise<void> {
  for (;;) {
    const { rows } = await admin.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('jest-kubernetes')) AS held`,
    );
    if (rows[0]?.held === true) return;
    progress.waitingFor('another run, which is preparing its database');
    await delay(100, undefined, { signal });
  }
}

/** Packages that share a server may each have a user of their own; tests may do everything, as the image's user may. */
async function ensureUser(admin: Client, config: PostgresConfig, address: PostgresAddress): Promise<void> {
  if (config.user === address.user) return;
  const { rowCount } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [config.user]);
  if (rowCount !== 0) return;
  const password = admin.escapeLiteral(config.password ?? address.password);
  await admin.query(`CREATE ROLE ${quoted(config.user)} SUPERUSER LOGIN PASSWORD ${password}`);
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

async function emptyDatabase(admin: Client, wanted: string, key: string, template: string): Promise<string> {
  const present = await commentOf(admin, wanted);
  const ours = present === undefined || present === beingMade || present === copyOf(template);
  const database = ours ? wanted : `jk_building_${key}`;
  await dropDatabase(admin, database);
  await whenFree(() => admin.query(`CREATE DATABASE ${quoted(database)}`));
  await comment(admin, database, beingMade);
  return database;
}

/**
 * A database can be renamed and copied only while nobody is connected to it. Connections of the cluster's own
 * pods are closed; one that a `migrate` function forgot would take this process with it, and is an error.
 */
async function leaveAlone(admin: Client, database: string, hookRan: boolean): Promise<void> {
  await admin.query(`ALTER DATABASE ${quoted(database)} ALLOW_CONNECTIONS false`);
  const left = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ query: string }>(
      `SELECT query FROM pg_stat_activity
       WHERE datname = $1 AND application_name <> $2 AND client_addr IS NOT DISTINCT FROM inet_client_addr()`,
      [database, applicationName],
    );
    return rows.map(({ query }) => query);
  };
  if (hookRan) {
    let open = await left();
    // a closed connection's process lives a moment longer
    for (let tries = 0; tries < 40 && open.length > 0; tries += 1) {
      await delay(50);
      open = await left();
    }
    if (open.length > 0) {
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
  }
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
}

/** As the official image's entry point does it, by its own rules; `.sh` files find its function and variables. */
const runScript = `
set -Eeo pipefail
docker_process_sql() {
  psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}
case "$1" in
  *.sh) if [ -x "$1" ]; then "./$1"; else . "./$1"; fi ;;
  *.sql) docker_process_sql -f "$1" ;;
  *.sql.gz) gunzip -c "$1" | docker_process_sql ;;
  *.sql.xz) xz -dc "$1" | docker_process_sql ;;
  *.sql.zst) zstd -dc "$1" | docker_process_sql ;;
esac`;
const isScript = /\.(sh|sql|sql\.gz|sql\.xz|sql\.zst)$/;

async function runInitdb(
  access: ClusterAccess,
  config: PostgresConfig,
  database: string,
  { signal, progress, namespace = postgresNamespace }: TemplateOptions,
): Promise<void> {
  const folders = await readInitdb(config.initdb);
  if (folders.flat().length === 0) return;
  using api = openApi(access);
  const base = `/tmp/jest-kubernetes-${database}`;
  const inPod = (
    command: readonly string[],
    more: { input?: Buffer; onLine?: (line: string) => void } = {},
  ) =>
    execInPod(api, {
      namespace,
      pod: postgresPod,
      container: postgresName,
      command,
      signal,
      ...more,
    }).catch((error: unknown) => {
      throw error instanceof ExecRefused ? noScripts(error) : error;
    });
  const variables = {
    POSTGRES_USER: config.user,
    POSTGRES_DB: database,
    PGUSER: config.user,
    PGDATABASE: database,
  };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);

  await inPod(['rm', '-rf', base]);
  for (const [index, files] of folders.entries()) {
    const folder = `${base}/${index}`;
    for (const { path, mode, content } of files) {
      const file = `${folder}/${basename(path)}`;
      const executable = (mode & 0o111) === 0 ? '0644' : '0755';
      const write = 'mkdir -p "$1" && head -c "$2" > "$3" && chmod "$4" "$3"';
      const command = ['sh', '-c', write, 'sh', folder, String(content.length), file, executable];
      const { exitCode, output } = await inPod(command, content.length === 0 ? {} : { input: content });
      if (exitCode !== 0) throw initFailed(path, output);
    }
    for (const { path } of files.filter((file) => isScript.test(file.path))) {
      progress.waitingFor(`the init script ${path}`);
      const run = `cd "$1" && shift && exec env "$@"`;
      const asPostgres = `if command -v gosu >/dev/null; then exec gosu postgres "$@"; else exec su-exec postgres "$@"; fi`;
      const { exitCode, output } = await inPod(
        [
          ...['sh', '-c', run, 'sh', folder, ...assignments],
          ...['sh', '-c', asPostgres, 'sh', 'bash', '-c', runScript, 'bash', basename(path)],
        ],
        {
          onLine: (line) => {
            progress.moved(`${basename(path)}: ${line}`);
          },
        },
      );
      if (exitCode !== 0) throw initFailed(path, output);
      progress.moved(`${basename(path)} done`);
    }
  }
  await inPod(['rm', '-rf', base]);
}

const noScripts = (error: ExecRefused): JestKubernetesError =>
  new JestKubernetesError('POSTGRES_INIT_FAILED', 'The init scripts cannot be run in the pod of PostgreSQL', {
    evidence: [error.message],
    ...(error.message.includes('server response: 403')
      ? { remedy: 'They need the right to `create` on `pods/exec`, which the kubeconfig’s user lacks.' }
      : {}),
    cause: error,
  });

/** With the host's file and the line, where psql tells it. */
export function initFailed(path: string, output: string): JestKubernetesError {
  const lines = output.trimEnd().split('\n');
  const at = lines.findIndex((line) => /^psql:.*?:\d+: (ERROR|FATAL|PANIC|error)/.test(line));
  const [, file, line] = /^psql:(.*?):(\d+): /.exec(lines[at] ?? '') ?? [];
  const place =
    line === undefined ? path : `${file === basename(path) ? path : `${path}, ${file ?? ''}`}:${line}`;
  return new JestKubernetesError('POSTGRES_INIT_FAILED', `The init script failed at ${place}`, {
    evidence: at === -1 ? lines.slice(-10) : lines.slice(at, at + 6),
    remedy: 'Correct the script; the lines above are what psql or the shell said.',
  });
}

async function migrate(
  hook: NonNullable<PostgresConfig['migrate']>,
  address: PostgresAddress,
  database: string,
  { signal, progress, rootDir }: TemplateOptions,
): Promise<void> {
  const variables = databaseVariables(address, database);
  progress.waitingFor('postgres.migrate');
  if (typeof hook === 'function') {
    try {
      await hook({ url: variables['DATABASE_URL'] ?? '', env: variables });
    } catch (error) {
      throw new JestKubernetesError('SETUP_HOOK_FAILED', 'postgres.migrate failed', {
        evidence: [messageOf(error)],
        cause: error,
      });
    }
    return;
  }
  const { execa } = processes();
  const child = execa(hook, {
    shell: true,
    cwd: rootDir,
    env: variables,
    preferLocal: true,
    localDir: rootDir,
    all: true,
    stdin: 'ignore',
    cancelSignal: signal,
    reject: false,
  });
  for await (const line of child.iterable({ from: 'all' })) progress.moved(line);
  const result = await child;
  signal.throwIfAborted();
  if (result.failed) {
    throw new JestKubernetesError('SETUP_HOOK_FAILED', `postgres.migrate failed: ${hook}`, {
      evidence: [
        ...result.all.trim().split('\n').slice(-20),
        `exit status ${result.exitCode ?? 'none'}, in ${rootDir}`,
      ],
      remedy:
        'It is run with DATABASE_URL and the PG variables of a new database; run it by hand to see more.',
    });
  }
}
