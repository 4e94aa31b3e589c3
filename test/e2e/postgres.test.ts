import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';

import { type Installation, installation, nothing } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

const config = (options: object, more: object = {}): string =>
  JSON.stringify({ images: [], postgres: options, ...more });

/** Writes the same rows as its siblings, while they do: each waits until all four are there. */
const sameRows = (name: string): string => `
import { readdirSync, writeFileSync } from 'node:fs';
import { database, resetDatabase } from 'jest-kubernetes';
import { Client } from 'pg';

let db: Client;
beforeAll(async () => {
  const own = await database();
  expect(process.env.DATABASE_URL).toBe(own.url);
  db = new Client();
  await db.connect();
  writeFileSync('${name}.here', process.env.PGDATABASE ?? '');
  while (readdirSync('.').filter((file) => file.endsWith('.here')).length < 4) await new Promise((again) => setTimeout(again, 50));
});
afterAll(() => db.end());

test('${name} has the order 2 to itself', async () => {
  await db.query("INSERT INTO orders (id, item) VALUES (2, '${name}')");
  const { rows } = await db.query('SELECT id, item FROM orders ORDER BY id');
  expect(rows).toStrictEqual([{ id: 1, item: 'seed' }, { id: 2, item: '${name}' }]);
});

test('${name} gets back what initdb and migrate have left', async () => {
  await resetDatabase();
  const { rows } = await db.query('SELECT id, item FROM orders');
  expect(rows).toStrictEqual([{ id: 1, item: 'seed' }]);
});
`;

const restart = `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
import { Client } from 'pg';

const query = async (text: string) => {
  const db = new Client({ connectionTimeoutMillis: 2000 });
  db.on('error', () => undefined);
  try {
    await db.connect();
    return (await db.query(text)).rows;
  } finally {
    await db.end().catch(() => undefined);
  }
};

test('the variables work on after the pod was restarted', async () => {
  await query("INSERT INTO orders (id, item) VALUES (7, 'before')");
  const core = client(k8s.CoreV1Api);
  const pod = { name: 'postgres-0', namespace: 'jest-kubernetes' };
  const before = await core.readNamespacedPod(pod);
  await core.deleteNamespacedPod(pod);
  for (;;) {
    const now = await core.readNamespacedPod(pod).catch(() => undefined);
    if (now !== undefined && now.metadata?.uid !== before.metadata?.uid) break;
    await new Promise((again) => setTimeout(again, 100));
  }
  let rows: unknown;
  while (rows === undefined) {
    rows = await query('SELECT id, item FROM orders WHERE id = 7').catch(async () => {
      await new Promise((again) => setTimeout(again, 100));
      return undefined;
    });
  }
  expect(rows).toStrictEqual([{ id: 7, item: 'before' }]);
}, 60_000);
`;

const read = (folder: string, file: string): string => readFileSync(path.join(folder, file), 'utf8');

test('four workers write the same rows, a pod restarts, and a kept cluster is migrated anew', async () => {
  const names = ['one', 'two', 'three', 'four'];
  const postgres = { initdb: 'schema.sql', migrate: 'node migrate.cjs' };
  const project = installed.project('postgres', {
    ...Object.fromEntries(names.map((name) => [`same/${name}.test.ts`, sameRows(name)])),
    'restart.test.ts': restart,
    'schema.sql': 'CREATE TABLE orders (id integer PRIMARY KEY, item text NOT NULL);\n',
    'migrate.cjs': `
const { Client } = require('pg');
const db = new Client();
db.connect().then(() => db.query(require('fs').readFileSync('migration.sql', 'utf8'))).then(() => db.end());
`,
    'migration.sql': "INSERT INTO orders VALUES (1, 'seed');\n",
    'jest-kubernetes.config.json': config(postgres, { keep: 'always' }),
  });

  const first = await project.run(['-w', '4', 'same/']);
  expect(first).toMatchObject({ status: 0, output: expect.stringContaining('8 passed') as string });
  const databases = names.map((name) => read(project.folder, `${name}.here`));
  expect(new Set(databases).size).toBe(4);

  const restarted = await project.run(['restart', '--detectOpenHandles']);
  expect(restarted).toMatchObject({ status: 0, output: expect.stringContaining('1 passed') as string });
  expect(restarted.output).toContain('joins the cluster');
  expect(restarted.output).not.toMatch(/open handle/);

  // the migration's file alone has changed, which no configuration tells
  writeFileSync(
    path.join(project.folder, 'migration.sql'),
    "ALTER TABLE orders ADD price integer DEFAULT 5; INSERT INTO orders VALUES (1, 'seed');\n",
  );
  writeFileSync(
    path.join(project.folder, 'price.test.js'),
    `const { Client } = require('pg');
test('the new column is there, and nothing of the runs before', async () => {
  const db = new Client();
  await db.connect();
  const { rows } = await db.query('SELECT id, price FROM orders');
  const { rows: all } = await db.query("SELECT datname FROM pg_database WHERE datname LIKE '%\\\\_%' AND NOT datistemplate");
  await db.end();
  expect(rows).toEqual([{ id: 1, price: 5 }]);
  console.log('DATABASES ' + all.map(({ datname }) => datname).join(' '));
});`,
  );
  const migrated = await project.run(['price']);
  expect(migrated).toMatchObject({ status: 0, output: expect.stringContaining('1 passed') as string });
  for (const gone of databases) expect(migrated.output).not.toContain(gone);

  // on the same cluster: the file and the line are named, and nothing of the failed run stays
  writeFileSync(
    path.join(project.folder, 'schema.sql'),
    'CREATE TABLE orders (id integer);\n\nCREATE TABEL x;\n',
  );
  const broken = await project.run(['price']);
  expect(broken.status).toBe(1);
  expect(broken.output).toMatch(/The init script failed at .*schema\.sql:3 \(POSTGRES_INIT_FAILED\)/);
  expect(broken.output).toContain('syntax error at or near "TABEL"');
  expect(broken.output).not.toMatch(/^\s+at .*jest-kubernetes/m);

  expect(await project.cli(['down'])).toMatchObject({ status: 0 });
  expect(await installed.remains()).toEqual(nothing);
}, 300_000);

test('a pod that asks for more than there is ends the run with the cause, and a bundle that tells all', async () => {
  const password = 'a-secret-of-this-run';
  const project = installed.project('too-large', {
    'any.test.js': "test('never run', () => {});",
    'jest-kubernetes.config.json': config({ password, resources: { requests: { memory: '900Gi' } } }),
  });
  const run = await project.run();
  expect(run.status).toBe(1);
  expect(run.output).toMatch(/PostgreSQL cannot start: .*memory.*\(POD_UNSCHEDULABLE\)/);
  expect(run.output).toContain('asks for 966.4 GB of memory');
  const bundle = /everything that was seen: (.*)/.exec(run.output)?.[1] ?? '';
  expect(path.dirname(bundle)).toBe(path.join(project.folder, '.jest-kubernetes'));
  const files = readdirSync(bundle, { recursive: true, encoding: 'utf8' });
  expect(files).toEqual(
    expect.arrayContaining([
      'summary.txt',
      'timeline.txt',
      'versions.txt',
      'events.txt',
      'pods.txt',
      'nodes.txt',
    ]),
  );
  expect(files.filter((file) => file.startsWith('kind/')).length).toBeGreaterThan(0);
  expect(read(bundle, 'pods.txt')).toContain('postgres-0');
  expect(read(bundle, 'timeline.txt')).toMatch(/failed\s+PostgreSQL/);
  const files_ = files.filter((file) => /\.(txt|yaml|log)$/.test(file));
  expect(files_.filter((file) => read(bundle, file).includes(password))).toEqual([]);
  expect(await installed.remains()).toEqual(nothing);
}, 180_000);

test('a port of the host that somebody has is named with the process that has it', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const project = installed.project('port', {
    'any.test.js': "test('never run', () => {});",
    'jest-kubernetes.config.json': config({ hostPort: port }),
  });
  const run = await project.run();
  server.close();
  expect(run.status).toBe(1);
  expect(run.output).toContain(`port ${port} of this machine is taken by process ${process.pid}`);
  expect(run.output).toContain('(PORT_TAKEN)');
  expect(await installed.remains()).toEqual(nothing);
}, 180_000);
