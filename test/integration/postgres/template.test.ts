import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';

import type { PostgresConfig } from '../../../src/config/config.js';
import { asUser, withConnection } from '../../../src/postgres/connection.js';
import { dropDatabase } from '../../../src/postgres/databases.js';
import { createWorkerDatabase, prepareTemplate } from '../../../src/postgres/index.js';
import type { TemplateOptions } from '../../../src/postgres/template.js';
import { silent } from '../../../src/report/index.js';
import { postgresConfig } from '../../postgres-config.js';
import { type LocalServer, localServer, migrating } from './local-server.js';

/* How templates are made on a server that stays, or that several share: one of this machine's own. */

jest.setTimeout(30_000);

let server: LocalServer;
beforeAll(async () => {
  server = await localServer();
}, 60_000);
afterAll(() => server.stop());

async function template(
  sql: string,
  changes: Partial<PostgresConfig> = {},
  options: Partial<TemplateOptions> = {},
): Promise<string> {
  const config: PostgresConfig = {
    ...postgresConfig,
    migrate: migrating(sql),
    ...changes,
  };
  return prepareTemplate(undefined as never, config, server.address, {
    ...{ signal: AbortSignal.timeout(60_000), progress: silent, cwd: sql, rebuild: true },
    ...options,
  });
}

const roles = async (): Promise<string[]> => {
  const sql = `SELECT rolname AS name FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'app' ORDER BY 1`;
  const { rows } = await withConnection(server.address, undefined, (client) =>
    client.query<{ name: string }>(sql),
  );
  return rows.map(({ name }) => name);
};
const databases = async (): Promise<number> => {
  const { rows } = await withConnection(server.address, undefined, (client) =>
    client.query(`SELECT FROM pg_database WHERE datname LIKE 'jk\\_template%'`),
  );
  return rows.length;
};

const clerk = 'CREATE ROLE clerk; CREATE TABLE t (); ALTER TABLE t OWNER TO clerk';

test('what a template adds to the roles of a server that stays is undone before it is made anew', async () => {
  const first = await template(clerk);
  expect(await template(clerk)).toBe(first);
  expect(await roles()).toEqual(['clerk']);
});

test('so are the databases that it adds, and no others', async () => {
  const added = 'CREATE DATABASE reports';
  await withConnection(server.address, undefined, (admin) => admin.query('CREATE DATABASE of_others'));
  const first = await template(added, { database: 'adds' });
  await withConnection(server.address, undefined, (admin) => admin.query('CREATE DATABASE of_others_later'));
  expect(await template(added, { database: 'adds' })).toBe(first);
  const { rows } = await withConnection(server.address, undefined, (admin) =>
    admin.query(`SELECT datname FROM pg_database WHERE datname ~ '^(reports|of_others)' ORDER BY 1`),
  );
  expect(rows.map(({ datname }: { datname: string }) => datname)).toEqual([
    'of_others',
    'of_others_later',
    'reports',
  ]);
});

test('roles of one that failed do not keep it from being made', async () => {
  const fails = 'CREATE ROLE cook; SELECT * FROM nowhere';
  for (let tries = 0; tries < 2; tries += 1) {
    // a statement of its own each, as a script's are
    const migrate = async ({ url }: { url: string }): Promise<void> => {
      const client = new Client({ connectionString: url });
      await client.connect();
      try {
        for (const sql of fails.split(';')) await client.query(sql);
      } finally {
        await client.end();
      }
    };
    await expect(template(fails, { database: 'cooks', migrate })).rejects.toMatchObject({
      evidence: ['relation "nowhere" does not exist'],
    });
  }
});

test('other templates and their roles go with the last who may use them, not before', async () => {
  await template(clerk, { database: 'one' }, { runId: 'run', liveRuns: () => ['run'] });
  const shared = { runId: 'run', liveRuns: () => ['run', 'another'] };
  await template('CREATE ROLE guest', { database: 'two' }, shared);
  expect(await roles()).toEqual(['clerk', 'guest']);
  expect(await databases()).toBe(2);
  await template(
    'CREATE ROLE clerk; CREATE ROLE guest; CREATE ROLE third',
    {},
    { runId: 'run', liveRuns: () => ['run'] },
  );
  expect(await roles()).toEqual(['clerk', 'guest', 'third']);
  expect(await databases()).toBe(1);
});

test('packages that share a server have the user and the password that each asks for', async () => {
  const whoIs = async (changes: Partial<PostgresConfig>): Promise<unknown> => {
    const name = await template('SELECT 1', { database: 'users', ...changes });
    const own = asUser(server.address, { ...postgresConfig, ...changes });
    const variables = await createWorkerDatabase(
      { ...own, template: name, runId: 'users', reset: 'file' },
      '1',
    );
    const client = new Client({ connectionString: variables['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client.query(
      'SELECT current_user AS "user", pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()',
    );
    await client.end();
    await withConnection(server.address, undefined, (admin) =>
      dropDatabase(admin, variables['PGDATABASE'] ?? ''),
    );
    return rows[0];
  };
  expect(await whoIs({})).toEqual({ user: 'app', owner: 'app' });
  expect(await whoIs({ user: 'shop' })).toEqual({ user: 'shop', owner: 'shop' });
  expect(await whoIs({ user: 'bank', password: 'p@ss' })).toEqual({ user: 'bank', owner: 'bank' });
  await expect(whoIs({ user: 'bank', password: 'other' })).rejects.toMatchObject({
    code: 'CONFIG_CONFLICT',
    message: expect.stringContaining('bank') as string,
  });
});

/** How often something moved while a template was made, and what was waited for. */
async function movedIn(
  sql: string,
  meanwhile: Promise<unknown> = Promise.resolve(),
): Promise<{ moved: number; waits: string[] }> {
  const seen = { moved: 0, waits: [] as string[] };
  const progress = {
    moved: () => void (seen.moved += 1),
    waitingFor: (what: string) => void seen.waits.push(what),
    note: () => undefined,
  };
  await Promise.all([template(sql, { database: 'pulse' }, { progress }), meanwhile]);
  return seen;
}
const work = `DO /* long */ $$ BEGIN WHILE clock_timestamp() < now() + interval '4 s' LOOP PERFORM count(*) FROM generate_series(1, 9999); END LOOP; END $$`;

test('a migration that says nothing moves while the server works for it, and so does who waits for it', async () => {
  const [working, waiting] = await Promise.all([movedIn(work), delay(500).then(() => movedIn('SELECT 2'))]);
  const idle = await movedIn('SELECT pg_sleep(3.5) /* idle */');
  expect(working.moved).toBeGreaterThan(1);
  expect(working.waits).toContainEqual(expect.stringContaining('long'));
  expect(waiting.moved).toBeGreaterThan(1);
  // its beginning is a move
  expect(idle.moved).toBeLessThanOrEqual(1);
});

test('a migration that waits for a lock does not move, and what holds the lock is what is waited for', async () => {
  const seen = await movedIn(`
    BEGIN;
    CREATE TABLE locked ();
    CREATE EXTENSION dblink;
    COMMIT;
    SELECT dblink_connect('other', format('password=app host=127.0.0.1 user=app dbname=%s port=%s', current_database(), current_setting('port')));
    SELECT dblink_exec('other', 'BEGIN; LOCK TABLE locked');
    SET lock_timeout = '2500ms';
    DO $$ BEGIN LOCK TABLE locked; EXCEPTION WHEN lock_not_available THEN NULL; END $$;
    SELECT dblink_disconnect('other')`);
  expect(seen.waits).toContainEqual(expect.stringMatching(/waits for a lock of connection \d+/));
});
