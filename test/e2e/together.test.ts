import { readFileSync } from 'node:fs';
import path from 'node:path';

import {
  type Installation,
  installation,
  nothing,
  type Project,
  snapshots,
  until,
} from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** A test that notes the cluster's identity, and lasts as long as its package needs to overlap with others. */
const usingCluster = (seconds: number): string => `
import { writeFileSync } from 'node:fs';
import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';

const core = client(k8s.CoreV1Api);
test('the cluster can be used from start to end', async () => {
  const own = await namespace();
  const { metadata } = await core.readNamespace({ name: 'kube-system' });
  const end = Date.now() + ${seconds * 1000};
  for (let n = 0; n === 0 || Date.now() < end; n++) {
    await core.createNamespacedConfigMap({ namespace: own, body: { metadata: { generateName: 'tick-' } } });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  writeFileSync('cluster', metadata?.uid ?? '');
});
`;

const clusterOf = (project: Project): string => readFileSync(path.join(project.folder, 'cluster'), 'utf8');

const isAllGone = async (): Promise<boolean> => {
  const { containers, clusters, processes } = await installed.remains();
  return containers.length + clusters.length + processes.length === 0;
};

test('six packages at once: one creation, one deletion, every package green', async () => {
  const shared = { JEST_KUBERNETES_NAME: installed.project('workspace', {}).cluster };
  const builds = (n: number): Record<string, string> => ({
    Dockerfile: `FROM busybox\nLABEL of=package-${n}\n`,
    'jest-kubernetes.config.json': JSON.stringify({
      images: [
        'postgres:17-alpine',
        { build: '.', tag: `${path.basename(installed.folder).toLowerCase()}:${n}` },
      ],
    }),
  });
  const packages = [1, 2, 3, 4, 5, 6].map((n) =>
    installed.project(`package-${n}`, { 'a.test.ts': usingCluster(n % 3), ...(n > 4 ? builds(n) : {}) }),
  );
  const ends = await Promise.all(packages.map((each) => each.run([], shared)));
  for (const end of ends) expect(end).toMatchObject({ status: 0 });
  const all = ends.map(({ output }) => output).join('\n');
  expect(all.match(/creates the cluster/g)).toHaveLength(1);
  expect(all.match(/✓ delete cluster/g)).toHaveLength(1);
  // one that joins before the image is inside waits for it, and says that it is there already
  const imports = all.match(/✓ import postgres\S* .*?\d [kM]B$/gm) ?? [];
  // a snapshot has it from the start
  expect(imports).toHaveLength(snapshots === 'off' ? 1 : 0);
  expect(new Set(packages.map(clusterOf)).size).toBe(1);
  // one that waits for the cluster brings its images meanwhile
  const [building] = ends.slice(4).filter(({ output }) => output.includes('joins the cluster'));
  expect(building?.output).toMatch(/✓ build [^]*joins the cluster[^]*✓ import jest-kubernetes-e2e-/);
  expect(await installed.remains()).toEqual(nothing);
}, 240_000);

test('of two runs one is killed while the other uses the cluster, which notices nothing', async () => {
  const shared = { JEST_KUBERNETES_NAME: installed.project('pair', {}).cluster };
  const victim = installed.project('victim', { 'a.test.ts': usingCluster(60) });
  const survivor = installed.project('survivor', { 'a.test.ts': usingCluster(8) });
  const first = victim.start([], shared);
  await first.prints('waiting for', 30_000).catch(() => undefined);
  const second = survivor.start([], shared);
  await first.prints('ready in');
  await second.prints('ready in');
  first.signalGroup('SIGKILL');
  expect(await second.ended).toMatchObject({ status: 0 });
  expect(second.output).toContain('✓ delete cluster');
  await first.ended;
  await until('everything is gone', isAllGone);
}, 240_000);

test('a run that wants another cluster of the same name is refused with the difference', async () => {
  const user = installed.project('user', { 'a.test.ts': usingCluster(5) });
  const other = installed.project('other', {
    'a.test.ts': usingCluster(0),
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { config: { networking: { podSubnet: '10.245.0.0/16' } } },
    }),
  });
  const running = user.start();
  await running.prints('creates the cluster');
  const { status, output } = await other.run([], { JEST_KUBERNETES_NAME: user.cluster });
  expect(status).toBe(1);
  expect(output).toMatch(/CONFIG_CONFLICT/);
  expect(output).toMatch(/cluster\.config.*podSubnet.*10\.245\.0\.0/);
  running.signalGroup('SIGINT');
  await running.ended;
  // its container may still be on its way: until it is gone, the watchdog is there, and what it knows of the cluster
  await until('everything is gone', isAllGone);
}, 120_000);
