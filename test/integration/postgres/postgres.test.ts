import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Client, Pool } from 'pg';

import { leadTo } from '../../../src/cluster/kind/lead-to.js';
import { runtimeCli } from '../../../src/cluster/kind/node-containers.js';
import type { PostgresConfig } from '../../../src/config/config.js';
import {
  type ClusterAccess,
  clusterDns,
  forwardPort,
  openApi,
  packageNamespace,
  serviceAddress,
  serviceIsAnswered,
  type ServiceName,
} from '../../../src/kubernetes/index.js';
import { type PostgresAddress, withConnection } from '../../../src/postgres/connection.js';
import {
  deployPostgres,
  dropDeadRunDatabases,
  dropRunDatabases,
  postgresNodePort,
  type PostgresServer,
  postgresVariables,
  prepareTemplate,
  startPostgres,
  waitForPostgres,
} from '../../../src/postgres/index.js';
import type { WorkerPostgres } from '../../../src/postgres/worker-database.js';
import { silent } from '../../../src/report/index.js';
import { database, prepareWorkerDatabase, resetDatabase } from '../../../src/testing/database.js';
import { postgresConfig } from '../../postgres-config.js';
import { freePort } from '../free-port.js';
import { type KindCluster, kindCluster, run } from '../kind-cluster.js';

/*
 * One cluster for the whole file, with the image inside; the server is deployed once, and each test makes templates
 * and databases of its own.
 */
jest.setTimeout(60_000);

const signal = AbortSignal.timeout(600_000);
const steps = { signal, progress: silent };
let cluster: KindCluster | undefined;
let access: ClusterAccess;
let folder: string;
let node: string;
let address: PostgresAddress;
let server: PostgresServer;

const config = postgresConfig;
const { image } = config;

beforeAll(async () => {
  const hostPort = await freePort();
  cluster = await kindCluster('jkg', [{ containerPort: postgresNodePort, hostPort }]);
  ({ access, folder, node } = cluster);
  await run('docker', ['pull', '--quiet', image]);
  await cluster.load(image);
  server = await deployPostgres(access, config, { ...steps, node });
  await startPostgres(access, config, { ...steps, node });
  address = { host: '127.0.0.1', port: hostPort, user: server.user, password: server.password };
  await waitForPostgres(access, address, steps);
}, 240_000);

afterAll(async () => {
  await cluster?.remove();
}, 60_000);

async function script(file: string, content: string): Promise<string> {
  const path = join(folder, file);
  await writeFile(path, content);
  return path;
}

const template = (changes: Partial<PostgresConfig>): Promise<string> =>
  prepareTemplate(access, { ...config, ...changes }, address, { ...steps, cwd: folder });

const query = async <T extends object>(databaseName: string | undefined, sql: string): Promise<T[]> =>
  (await withConnection(address, databaseName, (client) => client.query<T>(sql))).rows;

/** A worker of a run, with its variables in this process's environment, as `database()` reads it. */
async function worker(templateName: string, runId: string, workerId: string): Promise<WorkerPostgres> {
  const postgres: WorkerPostgres = { ...address, template: templateName, runId, reset: 'file' };
  Object.assign(process.env, postgresVariables(postgres), { JEST_WORKER_ID: workerId });
  await prepareWorkerDatabase();
  return postgres;
}

const environment = { ...process.env };
afterEach(() => {
  for (const key of Object.keys(process.env)) {
    if (!(key in environment)) Reflect.deleteProperty(process.env, key);
  }
  Object.assign(process.env, environment);
});

const schema = (tables: number): string =>
  Array.from(
    { length: tables },
    (_, n) => `CREATE TABLE t${n} (
      id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, twice int GENERATED ALWAYS AS (id * 2) STORED,
      parent int ${n === 0 ? '' : `REFERENCES t${n - 1} (id)`}, at timestamptz DEFAULT now());
      CREATE INDEX ON t${n} (at);
      ${n % 10 === 0 ? `INSERT INTO t${n} (name) SELECT 'seed ' || g FROM generate_series(1, 20) g;` : ''}`,
  ).join('\n');

test('a second run finds the server with its password, and a different one is refused with the difference', async () => {
  const placement = { ...steps, node };
  expect(await deployPostgres(access, config, placement)).toEqual(server);
  await startPostgres(access, config, placement);
  await expect(startPostgres(access, { ...config, image: 'postgres:16' }, placement)).rejects.toMatchObject({
    code: 'CONFIG_CONFLICT',
    evidence: [expect.stringContaining('"postgres:16" asked for')],
  });
});

/** Whether the node leads to a Service that has an address. */
async function isLedTo(service: ServiceName): Promise<boolean> {
  using api = openApi(access);
  const found = (await serviceAddress(api, service)) ?? { host: '', port: 0 };
  return await leadTo(runtimeCli({ command: 'docker', env: {} }, process.env), [node], found);
}

/** As a run with pods of its own waits. */
async function untilAnswered(service: ServiceName): Promise<void> {
  using api = openApi(access);
  while (!(await serviceIsAnswered(api, service))) await delay(100);
  while (!(await isLedTo(service))) await delay(100);
}

test('a node leads to a Service when kube-proxy has heard of its endpoint, which it may be late to', async () => {
  using api = openApi(access);
  const services = `/api/v1/namespaces/${packageNamespace}/services`;
  const { spec } = await api.request<{ spec: { selector: object; ports: object[] } }>(`${services}/postgres`);
  const late = { namespace: packageNamespace, name: 'late' };
  const tellProxy = (signalName: string): Promise<unknown> =>
    run('docker', ['exec', node, 'sh', '-c', `kill -${signalName} $(pidof kube-proxy)`]);
  const { selector, ports } = spec;
  const nobody = { selector: { ...selector, nobody: 'has-it' }, ports };
  const body = { apiVersion: 'v1', kind: 'Service', metadata: late };
  await api.request(services, { method: 'POST', body: { ...body, spec: nobody } });
  // of a Service that it does not know at all a network beyond the cluster may make anything
  while (await isLedTo(late)) await delay(100);
  await tellProxy('STOP');
  try {
    await api.request(`${services}/late`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { spec: { selector: { nobody: null } } },
    });
    while (!(await serviceIsAnswered(api, late))) await delay(100);
    expect(await isLedTo(late)).toBe(false);
  } finally {
    await tellProxy('CONT');
  }
  await untilAnswered(late);
  await api.request(`${services}/late`, { method: 'DELETE' });
});

test('a service in the cluster reaches it by its name, on PostgreSQL’s own port', async () => {
  const api = openApi(access);
  for (const service of [clusterDns, { namespace: packageNamespace, name: 'postgres' }]) {
    await untilAnswered(service);
  }
  const pods = '/api/v1/namespaces/default/pods';
  const url = `postgresql://${server.user}@postgres.${packageNamespace}.svc:5432/postgres`;
  await api.request(pods, {
    method: 'POST',
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'client' },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'client',
            image,
            command: ['psql', url, '--command', 'SELECT 1'],
            env: [
              { name: 'PGPASSWORD', value: server.password },
              { name: 'PGCONNECT_TIMEOUT', value: '10' },
            ],
          },
        ],
      },
    },
  });
  const phase = async (): Promise<string | undefined> =>
    (await api.request<{ status?: { phase?: string } }>(`${pods}/client`)).status?.phase;
  while (['Pending', 'Running', undefined].includes(await phase())) await delay(100);
  const said = await api.text(`${pods}/client/log`);
  expect({ phase: await phase(), said }).toEqual({
    phase: 'Succeeded',
    said: expect.stringContaining('(1 row)') as string,
  });
});

test('initdb runs as in the image, then migrate, once; a second configuration stands beside it', async () => {
  const log = join(folder, 'migrated');
  const changes = {
    initdb: [
      await script(
        '1.sql',
        "\\set word seeded\nCREATE TABLE a (word text);\nINSERT INTO a VALUES (:'word');\n",
      ),
      await script(
        '2.sh',
        'docker_process_sql -c "INSERT INTO a VALUES (\'from a shell as $(id -un) in $POSTGRES_DB\')"\n',
      ),
    ],
    migrate: `echo "$PGDATABASE $DATABASE_URL" >> ${log}`,
  };
  const [first, second] = await Promise.all([template(changes), template(changes)]);
  expect(second).toBe(first);
  const { stdout } = await run('cat', [log]);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(stdout).toMatch(/^app postgresql:\/\/app:.*\/app$/m);
  const words = [{ word: 'seeded' }, { word: 'from a shell as postgres in app' }];
  expect(await query('app', 'SELECT word FROM a')).toEqual(words);

  const other = await template({ initdb: [await script('other.sql', 'CREATE TABLE b ();')] });
  expect(other).not.toBe(first);
  expect(await query('app', 'SELECT word FROM a')).toEqual(words);
});

test('a bad script is told with file and line, and made good it runs', async () => {
  const path = await script('bad.sql', 'CREATE TABLE fine ();\n\nCREATE TABEL broken ();\n');
  await expect(template({ database: 'broken', initdb: [path] })).rejects.toMatchObject({
    code: 'POSTGRES_INIT_FAILED',
    message: `The init script failed at ${path}:3`,
    evidence: expect.arrayContaining([
      expect.stringContaining('syntax error at or near "TABEL"'),
    ]) as string[],
  });
  await script('bad.sql', 'CREATE TABLE fine ();\n');
  await template({ database: 'broken', initdb: [path] });
  expect(await query('broken', 'SELECT * FROM fine')).toEqual([]);
});

test('a failed migration is told with its output, a forgotten connection by its last query', async () => {
  await expect(template({ database: 'm1', migrate: 'echo no such column; exit 3' })).rejects.toMatchObject({
    code: 'SETUP_HOOK_FAILED',
    evidence: ['no such column', expect.stringContaining('exit status 3')],
  });
  const forgotten: Client[] = [];
  const migrate = async ({ url }: { url: string }): Promise<void> => {
    const client = new Client({ connectionString: url });
    forgotten.push(client);
    await client.connect();
    await client.query('SELECT 42 AS forgotten');
  };
  await expect(template({ database: 'm2', migrate })).rejects.toMatchObject({
    code: 'SETUP_HOOK_FAILED',
    evidence: [expect.stringContaining('42 AS forgotten')],
  });
  await Promise.all(forgotten.map((client) => client.end()));
});

test('workers have databases of their own, those of ended runs go, and those of living ones stay', async () => {
  const templateName = await template({
    database: 'rows',
    initdb: [await script('rows.sql', 'CREATE TABLE r (n int);')],
  });
  for (const workerId of ['1', '2', '3']) {
    await worker(templateName, 'Run-One', workerId);
    await query(database().database, `INSERT INTO r VALUES (${workerId})`);
  }
  for (const workerId of ['1', '2', '3']) {
    expect(await query(`jk_runone_${workerId}`, 'SELECT n FROM r')).toEqual([{ n: Number(workerId) }]);
  }
  await worker(templateName, 'run-two', '1');
  // a key is hexadecimal: one in some three hundred has no letter
  await query(undefined, 'CREATE DATABASE jk_template_711441569094');
  expect(await dropDeadRunDatabases(address, () => ['Run-One'])).toEqual(['jk_runtwo_1']);
  await query(undefined, 'DROP DATABASE jk_template_711441569094');
  await dropRunDatabases(address, 'Run-One');
  expect(await query(undefined, `SELECT datname FROM pg_database WHERE datname LIKE 'jk\\_run%'`)).toEqual(
    [],
  );
});

test('50 tables are given back as they were, with the connections of a pool left open', async () => {
  const templateName = await template({ database: 'fifty', initdb: [await script('fifty.sql', schema(50))] });
  await worker(templateName, 'fifty', '1');
  const pool = new Pool({ connectionString: database().url });
  const rows = async (): Promise<unknown> =>
    (
      await pool.query(
        `SELECT (SELECT array_agg(t0 ORDER BY id)::text FROM t0) AS t0, (SELECT array_agg(t10 ORDER BY id)::text FROM t10) AS t10,
         (SELECT count(*) FROM t5) AS t5, (SELECT last_value FROM t0_id_seq), (SELECT is_called FROM t5_id_seq)`,
      )
    ).rows;
  try {
    const before = await rows();
    const { rows: backends } = await pool.query('SELECT pg_backend_pid() AS pid');
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 50; n += 1) {
        await pool.query(`INSERT INTO t${n} (name) SELECT 'test ' || g FROM generate_series(1, 20) g`);
      }
      await pool.query(`INSERT INTO t5 (name) SELECT 'many ' || g FROM generate_series(1, 5000) g`);
      await pool.query(`UPDATE t0 SET name = name || '!' WHERE id = 3`);
      await pool.query('DELETE FROM t10 WHERE id = 7');
      await pool.query('CREATE TEMPORARY TABLE scratch (x int)');
      await pool.query('DROP TABLE scratch');
      expect(await rows()).not.toEqual(before);
      await resetDatabase();
      expect(await rows()).toEqual(before);
    }
    expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(backends);
  } finally {
    await pool.end();
  }
});

test('a schema that a test has changed comes back too', async () => {
  const initdb = [await script('schema.sql', 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1);')];
  await worker(await template({ database: 'schema', initdb }), 'schema', '1');
  await query(
    database().database,
    'ALTER TABLE kept ADD more text; CREATE TABLE extra (); CREATE SCHEMA also',
  );
  await resetDatabase();
  expect(await query(database().database, 'SELECT * FROM kept')).toEqual([{ n: 1 }]);
  expect(
    await query(database().database, `SELECT to_regclass('extra') AS extra, to_regnamespace('also') AS also`),
  ).toEqual([{ extra: null, also: null }]);
});

test('a transaction that a test forgot is named, and not waited for without end', async () => {
  const initdb = [await script('locked.sql', 'CREATE TABLE locked (n int); INSERT INTO locked VALUES (1);')];
  await worker(await template({ database: 'locked', initdb }), 'locked', '1');
  const client = new Client({ connectionString: database().url });
  await client.connect();
  try {
    await client.query('UPDATE locked SET n = 2');
    await client.query('BEGIN');
    await client.query('UPDATE locked SET n = 3 /* forgotten */');
    await expect(resetDatabase()).rejects.toMatchObject({
      code: 'POSTGRES_FAILED',
      evidence: [expect.stringContaining('forgotten')],
    });
    await client.query('ROLLBACK');
    await resetDatabase();
    expect((await client.query('SELECT n FROM locked')).rows).toEqual([{ n: 1 }]);
  } finally {
    await client.end();
  }
});

test('the pod may be deleted in mid-run: the same variables reach the same rows, by the node’s port and by a forwarded one', async () => {
  const templateName = await template({
    database: 'restart',
    initdb: [await script('r.sql', 'CREATE TABLE r (n int);')],
  });
  const postgres = await worker(templateName, 'restart', '1');
  const first = database();
  const forward = await forwardPort({
    access,
    namespace: packageNamespace,
    service: 'postgres',
    port: 5432,
  });
  try {
    const forwarded = { ...address, port: forward.port };
    const select = 'SELECT n FROM r';
    await withConnection(forwarded, first.database, (client) => client.query('INSERT INTO r VALUES (1)'));
    const pod = `/api/v1/namespaces/${packageNamespace}/pods/postgres-0`;
    const uid = async (): Promise<string | undefined> =>
      openApi(access)
        .request<{ metadata: { uid: string } }>(pod)
        .then(({ metadata }) => metadata.uid)
        .catch(() => undefined);
    const before = await uid();
    await openApi(access).request(pod, { method: 'DELETE' });
    // workers that begin meanwhile, and give their databases back, wait for the server
    for (let id = 2; [before, undefined].includes(await uid()); id += 1) {
      await worker(postgres.template, postgres.runId, String(id));
      await resetDatabase();
    }
    // so does a connection through the forwarded port; the node's port answers when the server is there
    const rows = await withConnection({ ...forwarded }, first.database, (client) => client.query(select));
    expect(rows.rows).toEqual([{ n: 1 }]);
    await waitForPostgres(access, address, steps);
    const direct = new Client({ connectionString: first.url });
    await direct.connect();
    expect((await direct.query(select)).rows).toEqual([{ n: 1 }]);
    await direct.end();
    await worker(postgres.template, postgres.runId, '1000');
    expect(await query(database().database, select)).toEqual([]);
  } finally {
    await forward.close();
  }
});

test('a worker whose template is gone is told so', async () => {
  await expect(worker('jk_template_gone', 'gone', '1')).rejects.toMatchObject({
    code: 'POSTGRES_FAILED',
    message: 'PostgreSQL has lost the databases of this run',
    evidence: ['template database "jk_template_gone" does not exist'],
  });
});

test('a server that refuses our own user is not ours, and is told at once', async () => {
  await expect(waitForPostgres(access, { ...address, password: 'wrong' }, steps)).rejects.toMatchObject({
    code: 'POSTGRES_FAILED',
    remedy: expect.stringContaining('postgres.hostPort') as string,
  });
});
