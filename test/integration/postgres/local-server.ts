import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';

import { type PostgresAddress, withConnection } from '../../../src/postgres/connection.js';
import { postgresObjects } from '../../../src/postgres/objects.js';
import { postgresConfig } from '../../postgres-config.js';
import { freePort } from '../free-port.js';

/** A PostgreSQL server of this machine's own programs, on 127.0.0.1, with the settings of the one in a cluster. */
export interface LocalServer {
  address: PostgresAddress;
  /** Everything that is in a database, as pg_dump writes it. */
  dump(database: string): string;
  stop(): Promise<void>;
}

/** A `migrate` that runs these statements. */
export const migrating =
  (sql: string) =>
  async ({ url }: { url: string }): Promise<void> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };

/** In its own folder, which goes with it; it ends with this process too, however that ends. */
export async function localServer(settings: Readonly<Record<string, string>> = {}): Promise<LocalServer> {
  const programs = programsOfPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'jest-kubernetes-postgres-'));
  const owner = ownerOfServers();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const options = { ...owner, cwd: folder };
  const files = join(folder, 'files');
  const secret = join(folder, 'password');
  writeFileSync(secret, 'app');
  execFileSync(
    join(programs, 'initdb'),
    [
      '-D',
      files,
      '--username=app',
      '--auth-host=scram-sha-256',
      `--pwfile=${secret}`,
      '--encoding=UTF8',
      '--no-sync',
      '--no-locale',
    ],
    { ...options, stdio: 'pipe' },
  );
  const port = await freePort();
  const own = {
    ...settings,
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  };
  const args = Object.entries({ ...settingsInCluster(), ...own }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  // `read` ends when this process does
  const untilWeEnd = '"$@" 2>"$0" <&- & read -r _; kill -INT $!; wait';
  const child = spawn(
    '/bin/sh',
    ['-c', untilWeEnd, join(folder, 'log'), join(programs, 'postgres'), '-D', files, ...args],
    { ...options, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const address = { host: '127.0.0.1', port, user: 'app', password: 'app' };
  await untilItAnswers(address);
  return {
    address,
    dump: (database) =>
      execFileSync(join(programs, 'pg_dump'), [...dumpOptions, ...connection(address), database], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        env: { ...process.env, PGPASSWORD: address.password, PGOPTIONS: '-c role=none' },
      }),
    async stop() {
      child.stdin.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The database itself too, and not what a reset knows of it. */
export const dumpOptions = ['--create', '--exclude-schema=jest_kubernetes'];

const connection = ({ host, port, user }: PostgresAddress): string[] => [
  '-h',
  host,
  '-p',
  String(port),
  '-U',
  user,
];

export async function untilItAnswers(address: PostgresAddress, patience = 20_000): Promise<void> {
  for (const end = performance.now() + patience; ;) {
    try {
      await withConnection(address, undefined, (client) => client.query('SELECT 1'));
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await delay(20);
  }
}

export function settingsInCluster(): Record<string, string> {
  const server = postgresObjects(postgresConfig, '').find(({ kind }) => kind === 'StatefulSet');
  const { template } = server?.['spec'] as { template: { spec: { containers: { args: string[] }[] } } };
  const given = template.spec.containers[0]?.args.filter((arg) => arg.includes('=')) ?? [];
  return Object.fromEntries(
    given.map((arg) => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]),
  );
}

/** PostgreSQL does not run as root: Debian's package has a user for it. */
function ownerOfServers(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** @throws where there is none, saying what to install */
function programsOfPostgres(): string {
  const present = found();
  if (present !== undefined) return present;
  // on Debian, and as root, the rig brings it
  spawnSync(join(__dirname, '../../rig/postgresql.sh'), { stdio: ['ignore', 'ignore', 'inherit'] });
  const brought = found();
  if (brought !== undefined) return brought;
  throw new Error(
    `There is no PostgreSQL on this machine, and resets are tested with a real one: install its server and clients ` +
      `(Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), or name the folder of initdb, ` +
      `postgres and pg_dump in POSTGRES_PROGRAMS`,
  );
}

/** The newest of Debian's, else those in PATH. */
function found(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env['POSTGRES_PROGRAMS'] ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return folders.find((folder) =>
    ['initdb', 'postgres', 'pg_dump'].every((program) => existsSync(join(folder, program))),
  );
}
