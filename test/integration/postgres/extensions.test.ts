import { Client } from 'pg';

import { workerDatabaseName } from '../../../src/postgres/databases.js';
import { createWorkerDatabase, prepareTemplate, resetWorkerDatabase } from '../../../src/postgres/index.js';
import { silent } from '../../../src/report/index.js';
import { postgresConfig } from '../../postgres-config.js';
import { differences, everything } from './everything.js';
import { imageServer } from './image-server.js';
import { type LocalServer, migrating } from './local-server.js';

/* An image that people use for its extension, in the template and in what a test does. */
let server: LocalServer;
beforeAll(async () => {
  server = await imageServer('pgvector/pgvector:pg17');
}, 300_000);
afterAll(() => server.stop());

const schema = `
  CREATE EXTENSION vector;
  CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3) NOT NULL);
  CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);
  INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
`;
const nearest = `SELECT id::int FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 2`;

test('vectors, their index and their extension are in the template, and come back', async () => {
  const template = await prepareTemplate(
    undefined as never,
    {
      ...postgresConfig,
      migrate: migrating(schema),
    },
    server.address,
    { signal: AbortSignal.timeout(60_000), progress: silent, cwd: '/' },
  );
  const worker = { ...server.address, template, runId: 'extensions', reset: 'file' } as const;
  const variables = await createWorkerDatabase(worker, '1');
  const name = workerDatabaseName('extensions', '1');
  const before = await everything(server, name);
  const client = new Client({ connectionString: variables['DATABASE_URL'] });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`INSERT INTO items (embedding) VALUES ('[3,1,2]'); DELETE FROM items WHERE id = 1`);
  expect((await client.query(nearest)).rows).toEqual([{ id: 3 }, { id: 2 }]);
  await client.query('CREATE EXTENSION hstore; CREATE TABLE more (at hstore, v vector)');
  await resetWorkerDatabase(worker, name);
  // on the same connection
  expect((await client.query(nearest)).rows).toEqual([{ id: 1 }, { id: 2 }]);
  await client.query('DROP EXTENSION vector CASCADE');
  await client.end();
  await resetWorkerDatabase(worker, name);
  expect(differences(before, await everything(server, name))).toEqual([]);
}, 60_000);
