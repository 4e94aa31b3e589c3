import { readFileSync } from 'node:fs';

import { type Installation, installation, nothing } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** A pod that ends by itself, and what it has said; the container is busybox. */
const finished = `
import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';

async function finished(name: string, script: string, spec: object = {}, container: object = {}) {
  const core = client(k8s.CoreV1Api);
  const place = { namespace: await namespace() };
  const asked = { name, image: 'busybox', imagePullPolicy: 'Never', command: ['sh', '-c', script], ...container };
  await core.createNamespacedPod({
    ...place,
    body: { metadata: { name }, spec: { restartPolicy: 'Never', containers: [asked], ...spec } },
  });
  for (;;) {
    const pod = await core.readNamespacedPod({ ...place, name });
    const phase = pod.status?.phase ?? '';
    if (phase === 'Succeeded' || phase === 'Failed')
      return { phase, node: pod.spec?.nodeName, said: await core.readNamespacedPodLog({ ...place, name }) };
    await new Promise((again) => setTimeout(again, 100));
  }
}
`;

test('two nodes: PostgreSQL, and a pod on the worker with a label, a mount, a claim and a name that it looks up', async () => {
  const project = installed.project('two', {
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: {
        nodes: [
          {},
          {
            labels: { disk: 'fast' },
            taints: ['dedicated=disk:NoSchedule'],
            mounts: [{ hostPath: 'fixtures', containerPath: '/fixtures', readOnly: true }],
          },
        ],
      },
      images: ['postgres:17-alpine', 'busybox'],
      postgres: true,
    }),
    'fixtures/word': 'from the host\n',
    'two.test.ts': `${finished}
import { Client } from 'pg';

test('the worker', async () => {
  await client(k8s.CoreV1Api).createNamespacedPersistentVolumeClaim({
    namespace: await namespace(),
    body: {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
    },
  });
  const { phase, node, said } = await finished(
    'asks',
    'cp /word/word /data/word && cat /data/word && nslookup postgres.jest-kubernetes.svc.cluster.local',
    {
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'word', hostPath: { path: '/fixtures' } },
      ],
    },
    { volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'word', mountPath: '/word' }] },
  );
  expect(said).toMatch(/^from the host$/m);
  expect(said).toMatch(/Name:\\s+postgres\\.jest-kubernetes/);
  expect(phase).toBe('Succeeded');
  expect(node).toMatch(/-worker$/);
}, 60_000);

test('the database', async () => {
  const db = new Client();
  await db.connect();
  const { rows } = await db.query('SELECT 1 AS one');
  expect(rows).toStrictEqual([{ one: 1 }]);
  await db.end();
});
`,
  });
  const { status, output } = await project.run(['--runInBand']);
  expect({ status, output }).toMatchObject({
    status: 0,
    output: expect.stringContaining('2 passed') as string,
  });
  expect(await installed.remains()).toEqual(nothing);
}, 300_000);

test('in its first moment a pod looks a Service up and gets an answer, and a claim of the default class binds', async () => {
  const project = installed.project('usable', {
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
    'usable.test.ts': `${finished}
import { writeFileSync } from 'node:fs';

test('at once', async () => {
  await client(k8s.CoreV1Api).createNamespacedPersistentVolumeClaim({
    namespace: await namespace(),
    body: {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
    },
  });
  const looked = finished('looks', 'nslookup kubernetes.default.svc.cluster.local');
  const bound = finished(
    'writes',
    'echo kept >/data/word && cat /data/word',
    { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  );
  writeFileSync('said', JSON.stringify([await looked, await bound]));
}, 60_000);
`,
  });
  const { status, output } = await project.run();
  expect({ status, output }).toMatchObject({ status: 0 });
  const [looked, bound] = JSON.parse(readFileSync(`${project.folder}/said`, 'utf8')) as {
    phase: string;
    said: string;
  }[];
  expect(looked).toMatchObject({
    phase: 'Succeeded',
    said: expect.stringContaining('kubernetes.default.svc.cluster.local') as string,
  });
  expect(bound).toMatchObject({ phase: 'Succeeded', said: 'kept\n' });
}, 240_000);
