import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeBundle } from '../../../src/diagnose/bundle.js';
import type { BundleOptions } from '../../../src/diagnose/bundle/options.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

let directory: string;
const bundle = (options: Partial<BundleOptions> = {}) =>
  writeBundle({
    directory,
    runId: 'run-1',
    error: new JestKubernetesError('CLUSTER_CREATE_FAILED', 'kind could not create the cluster', {
      evidence: ['ERROR: failed to create cluster'],
      remedy: 'Look at its last lines.',
    }),
    timeline: [],
    versions: { node: 'v24.0.0' },
    env: {},
    ...options,
  });

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const text = (path: string, file: string) => readFile(join(path, file), 'utf8');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundle-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test('without a cluster, it holds the error, the host, the timeline and the versions', async () => {
  const path = await bundle({
    timeline: [
      { phase: 'cluster', start: 0, end: 31_500, outcome: 'failed', detail: 'kubeadm' },
      { phase: 'pull', start: 10, end: 2_000, outcome: 'done', detail: '' },
    ],
  });
  expect(await text(path, 'summary.txt')).toMatch(
    /run run-1, .*, no cluster\n\nkind could not create the cluster \(CLUSTER_CREATE_FAILED\)\n {4}ERROR: failed/,
  );
  expect(await text(path, 'timeline.txt')).toMatch(
    /^ +0\.00 +31\.50 s {2}failed +cluster {2}kubeadm\n.* pull/,
  );
  expect(await text(path, 'versions.txt')).toBe('node=v24.0.0\n');
  expect(await text(path, 'host.txt')).toMatch(/memory: [\d.]+ GB of [\d.]+ GB available/);
});

test('a cluster that does not answer is noted, and holds nothing up', async () => {
  const kubeconfig = join(directory, 'kubeconfig');
  const cluster = { name: 'shop', cluster: { server: `https://127.0.0.1:${String(await closedPort())}` } };
  const context = { name: 'shop', context: { cluster: 'shop', user: 'shop' } };
  await writeFile(
    kubeconfig,
    JSON.stringify({ clusters: [cluster], contexts: [context], users: [{ name: 'shop', user: {} }] }),
  );
  const path = await bundle({ access: { name: 'shop', kubeconfig, context: 'shop' } });
  expect(await text(path, 'summary.txt')).toMatch(/what could not be had:[^]*pods: .*ECONNREFUSED/);
});

test('what the provider exports comes in masked, and a provider that fails is noted with what it wrote', async () => {
  const path = await bundle({
    secrets: ['owl-post-1742'],
    exportLogs: async (folder) => {
      await mkdir(join(folder, 'node'));
      await writeFile(join(folder, 'node', 'kubelet.log'), 'password=abcdef then owl-post-1742\n');
      throw new Error('a node is gone');
    },
  });
  expect(await text(path, 'kind/node/kubelet.log')).toBe('password=*** then ***\n');
  expect(await text(path, 'summary.txt')).toContain('kind export logs: a node is gone');
});

test('only telling variables are written, their passwords masked', async () => {
  const path = await bundle({
    env: {
      DATABASE_URL: 'postgres://shop:hunter22@127.0.0.1:5432/shop',
      PGPASSWORD: 'hunter22',
      JEST_KUBERNETES_KEEP: 'always',
      AWS_SECRET_ACCESS_KEY: 'mine',
      HOME: '/home/somebody',
    },
  });
  expect(await text(path, 'environment.txt')).toBe(
    'DATABASE_URL=postgres://shop:***@127.0.0.1:5432/shop\nJEST_KUBERNETES_KEEP=always\nPGPASSWORD=***\n',
  );
});

test('the last ten are kept, what is not a bundle is left alone, and git sees none', async () => {
  for (let day = 10; day < 25; day++) await mkdir(join(directory, `202501${String(day)}T000000Z-old`));
  await mkdir(join(directory, 'notes'));
  const path = await bundle();
  const left = await readdir(directory);
  expect(left.filter((name) => name.endsWith('-old'))).toHaveLength(9);
  expect(left).toEqual(expect.arrayContaining(['notes', '20250124T000000Z-old', '.gitignore']));
  expect(await readFile(join(directory, '.gitignore'), 'utf8')).toBe('*\n');
  expect((await stat(path)).mode & 0o077).toBe(0);
});
