import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';

import { quoted, withConnection } from '../../../src/postgres/connection.js';
import { dropDatabase, workerDatabaseName } from '../../../src/postgres/databases.js';
import { createWorkerDatabase, prepareTemplate, resetWorkerDatabase } from '../../../src/postgres/index.js';
import { silent } from '../../../src/report/index.js';
import { postgresConfig } from '../../postgres-config.js';
import { Random } from '../../random.js';
import { differences, everything } from './everything.js';
import { beginning, furniture, roles, rows, schema, statements, tablespace } from './fuzz/statements.js';
import { imageServer } from './image-server.js';
import { type LocalServer, localServer } from './local-server.js';

/*
 * Random statements make a template, others change a copy of it; then the copy is reset, and must be to pg_dump what it
 * was. A few rounds here, minutes of them in `npm run fuzz`. FUZZ_SEED=<seed> FUZZ_ROUNDS=1 runs the one that a failure names,
 * FUZZ_IMAGE=postgres:17-alpine another PostgreSQL than the machine's own.
 */
const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 6);
const resetsPerRound = 5;

let server: LocalServer;
beforeAll(async () => {
  const image = process.env['FUZZ_IMAGE'];
  server = image === undefined ? await localServer() : await imageServer(image);
  await withConnection(server.address, undefined, async (client) => {
    await client.query(roles);
    // before PostgreSQL 15 there is none without a folder
    for (const sql of tablespace) await client.query(sql).catch(() => undefined);
  });
}, 60_000);
afterAll(() => server.stop());

/** What was done, in short, for the one who reads of a failure; and which kinds went well. */
interface Story {
  lines: string[];
  kinds: Set<string>;
}

const inFailedTransaction = '25P02';

async function tell(
  client: Client,
  { kind, sql }: { kind: string; sql: string },
  database: string,
  story: Story,
): Promise<void> {
  const statement = sql.replaceAll(':database', quoted(database));
  try {
    await client.query(statement);
    story.lines.push(statement);
    story.kinds.add(kind);
  } catch (error) {
    // that a statement is refused is no matter, that its connection is gone is
    const { code } = error as { code?: string };
    if (client.listenerCount('end') === 0 && code === undefined) throw error;
    if (code === inFailedTransaction) await client.query('ROLLBACK');
  }
}

async function connected(database: string): Promise<Client> {
  const { host, port, user, password } = server.address;
  const client = new Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SET lock_timeout = '1s'; SET statement_timeout = '5s'`);
  return client;
}

interface Figures {
  resets: number;
  inPlace: number;
  kinds: Set<string>;
}

async function round(seed: number, figures: Figures): Promise<string[]> {
  const random = new Random(seed);
  const { ofRows, ofSchema } = statements(random);
  const made: Story = { lines: [], kinds: figures.kinds };
  const template = await prepareTemplate(
    undefined as never,
    {
      ...postgresConfig,
      database: `fuzz_${String(seed)}`,
      migrate: async ({ env }) => {
        const client = await connected(env['PGDATABASE'] ?? '');
        try {
          await client.query(beginning);
          const count = random.whole(10, 80);
          for (const sql of furniture) {
            if (random.chance(0.7)) await tell(client, { kind: 'furniture', sql }, '', made);
          }
          for (let n = 0; n < count; n += 1) {
            await tell(client, random.chance(0.3) ? ofRows() : ofSchema(), env['PGDATABASE'] ?? '', made);
          }
        } finally {
          await client.end();
        }
      },
    },
    server.address,
    { signal: AbortSignal.timeout(60_000), progress: silent, cwd: '/', rebuild: true },
  );
  const runId = `fuzz${String(seed)}`;
  const worker = { ...server.address, template, runId, reset: 'file' } as const;
  const database = workerDatabaseName(runId, '1');
  const problems: string[] = [];
  try {
    await createWorkerDatabase(worker, '1');
    const before = await everything(server, database);
    for (let n = 1; n <= resetsPerRound; n += 1) {
      const done: Story = { lines: [], kinds: figures.kinds };
      const clients = [await connected(database), await connected(database)] as const;
      const changesSchema = random.chance(0.6);
      const count = random.whole(1, 10);
      for (let m = 0; m < count; m += 1) {
        const client = clients[random.whole(0, 1)] ?? clients[0];
        await tell(client, changesSchema && random.chance(0.6) ? ofSchema() : ofRows(), database, done);
      }
      // what is under way ends while the reset is, or just before
      const ends = clients.map(async (client) => {
        const [wait, end] = [random.whole(0, 150), random.chance(0.8) ? 'COMMIT' : 'ROLLBACK'];
        await delay(wait);
        await client.query(end).catch(() => undefined);
      });
      try {
        if (random.chance(0.5)) await Promise.all(ends);
        await resetWorkerDatabase(worker, database);
        await Promise.all(ends);
        figures.resets += 1;
        const lives = await Promise.all(
          clients.map((client) =>
            client.query('SELECT 1').then(
              () => true,
              () => false,
            ),
          ),
        );
        if (!lives.includes(false)) figures.inPlace += 1;
        await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
        problems.push(...differences(before, await everything(server, database)));
      } catch (error) {
        problems.push(String(error), ...((error as { evidence?: string[] }).evidence ?? []));
      }
      if (problems.length > 0) {
        const run = `FUZZ_SEED=${String(seed)} FUZZ_ROUNDS=1, reset ${String(n)}`;
        return [
          `${run}, after`,
          ...done.lines,
          '… of',
          ...made.lines,
          '… differs:',
          ...problems.slice(0, 30),
        ];
      }
    }
  } finally {
    await withConnection(server.address, undefined, async (client) => {
      for (const name of [database, template, `fuzz_${String(seed)}`]) await dropDatabase(client, name);
    }).catch((error: unknown) => problems.push(String(error)));
  }
  return problems;
}

test('whatever was done to a database, a reset gives it back as pg_dump knew it', async () => {
  const figures: Figures = { resets: 0, inPlace: 0, kinds: new Set() };
  const problems: string[] = [];
  let failed = 0;
  for (let seed = firstSeed; seed < firstSeed + rounds && failed < 5; seed += 1) {
    const found = await round(seed, figures);
    if (found.length > 0) failed += 1;
    problems.push(...found);
  }
  const never = Object.keys({ ...rows, ...schema }).filter((kind) => !figures.kinds.has(kind));
  process.stderr.write(
    `fuzz: ${String(rounds)} templates, ${String(figures.resets)} resets, ${String(figures.inPlace)} of them in place; never went well: ${never.join(', ')}\n`,
  );
  expect(problems.join('\n')).toBe('');
  // what the rounds are about has happened
  if (rounds >= 100) expect(never.length).toBeLessThan(Object.keys({ ...rows, ...schema }).length / 5);
}, 3_600_000);
