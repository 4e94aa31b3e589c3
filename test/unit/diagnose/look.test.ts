import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { lookAtTest, type RedTest } from '../../../src/diagnose/tests/look.js';
import type { TestRecord } from '../../../src/diagnose/tests/record.js';
import { type Answer, json } from '../kubernetes/api-server.js';
import { recordedCluster } from './recorded-cluster.js';

let run: string;
beforeEach(() => {
  run = join(mkdtempSync(join(tmpdir(), 'look-')), 'run');
});
afterEach(() => {
  rmSync(join(run, '..'), { recursive: true, force: true });
});

/** A test that ran while the recorded cluster was as it is, on a machine whose clock is another. */
async function look(
  red: Partial<RedTest> & { access?: undefined } = {},
  changes: Record<string, Answer> = {},
  budget = 5000,
) {
  const { at, server } = await recordedCluster('two-runs', changes);
  await using _server = server;
  const ago = (ms: number) => Date.now() - ms;
  const seen = await lookAtTest({
    ...{ run, file: 'test/shop.test.ts', test: 'orders: are taken / “at once”', error: 'nope' },
    ...{
      startedAt: ago(600_000),
      namespaces: ['shop'],
      touched: [],
      lacks: [],
      others: [],
    },
    ...{ access: server.access(), signal: AbortSignal.timeout(budget), ...red },
  });
  const record = JSON.parse(readFileSync(join(seen.folder, 'record.json'), 'utf8')) as TestRecord;
  return { at, ago, seen, record, asked: server.asked.length };
}

test('the cause is named, and what was seen is kept in a folder of its file and its name', async () => {
  const { seen, record } = await look();
  expect(seen.diagnosis).toMatchObject({ cause: 'crash-loop', conclusive: true });
  expect(seen.folder).toBe(join(run, 'test/shop.test.ts', 'orders-are-taken-at-once'));
  expect(record).toMatchObject({
    test: 'orders: are taken / “at once”',
    folder: 'test/shop.test.ts/orders-are-taken-at-once',
    unseen: [],
  });
  expect(record.pods.map(({ name }) => name)).toHaveLength(4);
  expect(readdirSync(seen.folder).sort()).toEqual([
    'changes.txt',
    'events.txt',
    'logs',
    'objects',
    'pods.txt',
    'record.json',
    'summary.txt',
  ]);
});

test('two tests of one name have a folder each', async () => {
  const [one, two] = [await look(), await look()];
  expect(two.seen.folder).toBe(`${one.seen.folder}-2`);
});

test('times are told by this machine’s clock', async () => {
  const { record, ago } = await look();
  const times = [...record.events, ...record.changes].map(({ at }) => at);
  expect(Math.min(...times)).toBeGreaterThan(ago(600_000));
  expect(Math.max(...times)).toBeLessThan(ago(0));
});

test('what was made while another test ran is that one’s', async () => {
  const { seen, record } = await look({
    startedAt: Date.now() - 1000,
    others: [{ startedAt: Date.now() - 600_000, endedAt: Date.now() - 1000 }],
  });
  expect(seen.diagnosis).toBeUndefined();
  expect(record.pods).toEqual([]);
});

test('unless this one has touched it', async () => {
  const { seen } = await look({
    startedAt: Date.now() - 1000,
    others: [{ startedAt: Date.now() - 600_000, endedAt: Date.now() - 1000 }],
    touched: [{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'api' }],
  });
  expect(seen.diagnosis).toMatchObject({ cause: 'crash-loop' });
});

test('a test that has touched no cluster asks none', async () => {
  const { seen, asked } = await look({ access: undefined });
  expect(asked).toBe(0);
  expect(seen.diagnosis).toBeUndefined();
  expect(readdirSync(seen.folder).sort()).toEqual(['record.json', 'summary.txt']);
});

test('what takes too long is left out, and noted', async () => {
  const never: Answer = () => undefined;
  const started = performance.now();
  const { record } = await look({}, { '/api/v1/namespaces/shop/pods': never, '/readyz': never }, 400);
  expect(performance.now() - started).toBeLessThan(1500);
  expect(record.unseen).toContainEqual('the cluster: not done in time');
});

test('Secrets are masked wherever they stand, and none is written', async () => {
  const data = { account: Buffer.from('owl-post-1742').toString('base64') };
  const secrets = json({ items: [{ metadata: { name: 'mail', namespace: 'shop' }, data }] });
  const { seen } = await look(
    { error: 'owl-post-1742 is refused' },
    { '/api/v1/namespaces/shop/secrets': secrets },
  );
  const files = readdirSync(seen.folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.\w+$/.test(file),
  );
  const all = files
    .map((file) => (file.endsWith('.test.ts') ? '' : readFileSync(join(seen.folder, file), 'utf8')))
    .join('');
  expect(all).toContain('*** is refused');
  expect(all).not.toContain('owl-post-1742');
  expect(files.filter((file) => file.includes('secret'))).toEqual([]);
});

test('a Service that selects no pod is told where a test waited in vain', async () => {
  const recorded = JSON.parse(readFileSync(join(__dirname, 'recorded/two-runs.json'), 'utf8')) as {
    answers: Record<string, { items: { metadata: { name: string } }[] }>;
  };
  const pods = recorded.answers['/api/v1/namespaces/shop/pods']?.items ?? [];
  const service = (name: string, app: string): object => ({
    metadata: { name, namespace: 'shop', uid: name },
    spec: { selector: { app } },
  });
  const well = pods.filter(({ metadata }) => metadata.name.startsWith('web-'));
  const { seen } = await look(
    {},
    {
      '/api/v1/namespaces/shop/pods': json({ items: well }),
      '/api/v1/namespaces/shop/services': json({ items: [service('web', 'web'), service('front', 'wbe')] }),
    },
  );
  expect(seen.diagnosis).toMatchObject({
    ...{ cause: 'service-selects-nothing', code: 'SERVICE_WITHOUT_PODS', conclusive: false },
    sentence: 'Service front leads nowhere: no pod has the labels app=wbe that it selects',
    evidence: [expect.stringMatching(/^pod web-\S+ has .*app=web/)],
  });
});

test('a pod that has failed once, and is not started again, is not said to end each time', async () => {
  const recorded = JSON.parse(readFileSync(join(__dirname, 'recorded/two-runs.json'), 'utf8')) as {
    answers: Record<string, { items: { metadata: { name: string } }[] }>;
  };
  const pods = recorded.answers['/api/v1/namespaces/shop/pods']?.items ?? [];
  const failed = pods.filter(({ metadata }) => metadata.name === 'migrate-tt9gb');
  const { seen } = await look(
    {},
    {
      '/api/v1/namespaces/shop/pods': json({ items: failed }),
      '/apis/batch/v1/namespaces/shop/jobs': json({ items: [] }),
    },
  );
  expect(seen.diagnosis?.sentence).toBe(
    'container migrate of pod migrate-tt9gb has ended with exit code 1: the database starts up',
  );
});

const apiLog = '/api/v1/namespaces/shop/pods/api-7c75c7f6c7-gt6h2/log?container=api&previous=true';

test('a Secret’s value that a pod has logged is masked in the cause too', async () => {
  const data = { account: Buffer.from('settings.json').toString('base64') };
  const secrets = json({ items: [{ metadata: { name: 'mail', namespace: 'shop' }, data }] });
  const log: Answer = (response) => response.writeHead(200).end('cannot read settings.json\n');
  const { seen } = await look({}, { '/api/v1/namespaces/shop/secrets': secrets, [apiLog]: log });
  expect(seen.diagnosis?.evidence.join('\n')).toContain('cannot read ***');
  expect(JSON.stringify(seen.diagnosis)).not.toContain('settings.json');
});

test('a key that stands on several lines of a log is masked on the page too', async () => {
  const lines = ['-----BEGIN PRIVATE KEY-----', 'MIIEvQIBAD/owl/post+/1742', '-----END PRIVATE KEY-----'];
  const at = new Date().toISOString();
  const text = lines.map((line) => `${at} ${line}\n`).join('');
  const log: Answer = (response) => response.writeHead(200).end(text);
  const { record } = await look({}, { [apiLog]: log });
  expect(JSON.stringify(record.logs)).toContain('BEGIN PRIVATE KEY-----***');
  expect(JSON.stringify(record)).not.toContain('1742');
});

test('a container that crashed and was started again a moment ago has crashed, ready or not', async () => {
  const recorded = JSON.parse(readFileSync(join(__dirname, 'recorded/two-runs.json'), 'utf8')) as {
    at: string;
    answers: Record<string, { items: { status: { conditions: object[]; containerStatuses: object[] } }[] }>;
  };
  const at = Date.parse(recorded.at);
  const list = recorded.answers['/api/v1/namespaces/shop/pods'];
  for (const { status } of list?.items ?? []) {
    for (const condition of status.conditions) Object.assign(condition, { status: 'True' });
    for (const container of status.containerStatuses)
      if ('lastState' in container && JSON.stringify(container.lastState) !== '{}')
        Object.assign(container, {
          ready: true,
          state: { running: { startedAt: new Date(at - 3000).toISOString() } },
        });
  }
  const { seen } = await look(
    {},
    { '/api/v1/namespaces/shop/pods': json(list, 200, { date: new Date(at).toUTCString() }) },
  );
  expect(seen.diagnosis).toMatchObject({ cause: 'crash-loop', conclusive: true });
});

test.each([
  ['../other/shop.test.ts', 'a/b', '__/other/shop.test.ts/a-b'],
  ['shop.test.ts', '注文を受ける', 'shop.test.ts/注文を受ける'],
  ['shop.test.ts', '../../..', 'shop.test.ts/unnamed'],
  ['shop.test.ts', 'x'.repeat(500), `shop.test.ts/${'x'.repeat(70)}`],
])('a test of %s called %s has the folder %s', async (file, name, folder) => {
  const { seen } = await look({ access: undefined, file, test: name });
  expect(seen.folder).toBe(join(run, folder));
});
