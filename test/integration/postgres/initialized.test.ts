import { execa } from 'execa';

import { fromInitialized } from '../../../src/postgres/initialized.js';
import { postgresConfig } from '../../postgres-config.js';

/*
 * A server that begins with files that are there, as its pod runs it: in containers of the engine's, whose volumes stand for
 * the node's folders.
 */
jest.setTimeout(120_000);

const { image } = postgresConfig;
const name = `jki-${process.pid}`;
const [volume = { mountPath: '' }] = fromInitialized.volumeMounts as { mountPath: string }[];
const docker = async (...args: string[]): Promise<string> => (await execa('docker', args)).stdout;
const containers: string[] = [];

afterAll(async () => {
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  await docker('volume', 'rm', '--force', name);
});

interface Server {
  password: string;
  user?: string;
  env?: Readonly<Record<string, string>>;
  command?: readonly string[];
}

/** @returns the container, once the server in it answers */
async function server({
  password,
  user = 'app',
  env = {},
  command = fromInitialized.command,
}: Server): Promise<string> {
  const given = {
    ...{ POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: 'postgres' },
    ...{ PGDATA: '/jest-kubernetes/pgdata', ...env },
  };
  const [entrypoint, ...rest] = command ?? [];
  const id = await docker(
    ...['run', '--detach', '--volume', `${name}:${volume.mountPath}`],
    ...['--volume', '/jest-kubernetes'],
    ...Object.entries(given).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
    ...[image, ...rest, 'postgres', '-c', 'fsync=off'],
  );
  containers.push(id);
  await answers(id, password, user);
  return id;
}

async function answers(id: string, password: string, user: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { failed, stderr } = await ask(id, password, user);
    if (!failed) return;
    if (tries === 150)
      throw new Error(`${stderr}\n${(await execa('docker', ['logs', id], { all: true })).all}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Over TCP, where the password counts: the server's own name for its files. */
const ask = (id: string, password: string, user = 'app') =>
  execa(
    'docker',
    [
      ...['exec', '--env', `PGPASSWORD=${password}`, id, 'sh', '-c'],
      `psql -h "$(hostname -i)" -U ${user} -d postgres -Atc "SELECT system_identifier FROM pg_control_system()"`,
    ],
    { reject: false },
  );

let initial: string;
const identity = async (id: string, password: string, user?: string): Promise<string> =>
  (await ask(id, password, user)).stdout;

beforeAll(async () => {
  const first = await server({ password: 'first', env: { PGDATA: `${volume.mountPath}/app` }, command: [] });
  initial = await identity(first, 'first');
  expect(initial).toMatch(/^\d+$/);
  await docker(
    'exec',
    first,
    'bash',
    '-c',
    'mkdir $PGDATA/../broken && cp $PGDATA/PG_VERSION $PGDATA/../broken',
  );
  await docker('stop', first);
});

test.each(['plain', `it's "quoted" \\ $HOME`, 'ünï'])(
  'begins with the files that are there, and has a password of its own: %j',
  async (password) => {
    const id = await server({ password });
    expect(await identity(id, password)).toBe(initial);
    expect(await ask(id, 'first')).toMatchObject({
      failed: true,
      stderr: expect.stringContaining('password authentication failed') as string,
    });
  },
);

test('goes on with its own files when it is started again', async () => {
  const id = await server({ password: 'own' });
  const psql = (sql: string): Promise<string> =>
    docker('exec', id, 'psql', '-U', 'app', '-d', 'postgres', '-Atc', sql);
  await psql('CREATE TABLE kept AS SELECT 1 AS n');
  await docker('restart', id);
  await answers(id, 'own', 'app');
  expect(await psql('SELECT n FROM kept')).toBe('1');
});

test.each<[string, Partial<Server>]>([
  ['of another user', { user: 'shop' }],
  ['of another release', { env: { PG_MAJOR: '18' } }],
  ['damaged', { user: 'broken' }],
])('makes its own files where those that are there are %s', async (_, changes) => {
  const id = await server({ password: 'own', ...changes });
  const own = await identity(id, 'own', changes.user);
  expect(own).toMatch(/^\d+$/);
  expect(own).not.toBe(initial);
});
