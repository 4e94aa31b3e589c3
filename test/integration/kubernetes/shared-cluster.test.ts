import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import {
  applyObjects,
  type ClusterAccess,
  deleteOwned,
  openApi,
  parseManifest,
} from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { type KindCluster, kindCluster } from '../kind-cluster.js';

/* A cluster in which others have been before, and go on. */
jest.setTimeout(60_000);

const signal = AbortSignal.timeout(600_000);
const [ours, theirs] = [
  { name: 'shop', id: '0a1b2c3d' },
  { name: 'pipeline-7', id: '99999999' },
];
const sharing = (owner = ours, conflicts: 'refuse' | 'leave' = 'refuse') => ({
  signal,
  progress: silent,
  sharing: { owner, conflicts },
});
let cluster: KindCluster;
let access: ClusterAccess;

const before = `
apiVersion: v1
kind: Namespace
metadata: { name: team }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: team }
data: { colour: blue, size: "3" }
`;

beforeAll(async () => {
  cluster = await kindCluster('jks');
  ({ access } = cluster);
  await kubectl(['apply', '-f', '-'], before);
}, 240_000);
afterAll(async () => {
  await cluster.remove();
}, 60_000);

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const child = promisify(execFile)('docker', [
    ...['exec', '-i', cluster.node, 'kubectl', '--kubeconfig=/etc/kubernetes/admin.conf'],
    ...args,
  ]);
  child.child.stdin?.end(input);
  return (await child).stdout;
}

/** Every byte of what the team has, with who changed it last, and when. */
const theTeams = (): Promise<string> =>
  kubectl([
    'get',
    'namespace/team',
    'configmaps,secrets',
    '-n',
    'team',
    '-o',
    'yaml',
    '--show-managed-fields',
  ]).catch(
    async () =>
      (await kubectl(['get', 'namespace', 'team', '-o', 'yaml', '--show-managed-fields'])) +
      (await kubectl(['get', 'configmaps', '-n', 'team', '-o', 'yaml', '--show-managed-fields'])),
  );

const parsed = (text: string) => parseManifest(text, '/k8s/shop.yaml');

test('what was there before is left as it is, and not a byte of it is changed; what is new comes and goes', async () => {
  const was = await theTeams();
  const objects = parsed(`${before}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: new, namespace: team }
`);
  expect(await applyObjects(access, objects, sharing())).toBe(2);
  expect(await kubectl(['get', 'configmap', 'new', '-n', 'team', '--show-labels'])).toContain(
    'jest-kubernetes/cluster=shop,jest-kubernetes/owner=0a1b2c3d',
  );
  expect(await deleteOwned(access, ours.id)).toEqual(['ConfigMap team/new']);
  expect(await theTeams()).toBe(was);
});

test('what somebody else manages is not changed: the run is refused before anything is made', async () => {
  const was = await theTeams();
  const objects = parsed(`
apiVersion: v1
kind: Namespace
metadata: { name: fresh }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: team }
data: { colour: red, size: "3" }
`);
  await expect(applyObjects(access, objects, sharing())).rejects.toMatchObject({
    code: 'MANIFEST_FAILED',
    message: 'ConfigMap team/settings was in the cluster before, and is not as the manifest says',
    evidence: [
      expect.stringContaining('/k8s/shop.yaml'),
      expect.stringMatching(/data\.colour: conflict with "kubectl-client-side-apply"/),
    ],
    remedy: expect.stringContaining("cluster.conflicts: 'leave'") as string,
  });
  await expect(kubectl(['get', 'namespace', 'fresh'])).rejects.toThrow('NotFound');
  expect(await applyObjects(access, objects.slice(1), sharing(ours, 'leave'))).toBe(1);
  expect(await deleteOwned(access, ours.id)).toEqual([]);
  expect(await theTeams()).toBe(was);
});

test('a field that nobody manages yet counts too', async () => {
  const added = parsed(`
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: team }
data: { weight: "7" }
`);
  await expect(applyObjects(access, added, sharing())).rejects.toMatchObject({
    evidence: [
      expect.anything(),
      'data.weight: not set there, "7" in the manifest, which kubectl-client-side-apply manages',
    ],
  });
});

test('two set-ups with the same objects: the second is refused, and takes nothing of the first', async () => {
  const objects = parsed('apiVersion: v1\nkind: Namespace\nmetadata: { name: both }\n');
  await applyObjects(access, objects, sharing(theirs));
  await expect(applyObjects(access, objects, sharing(ours))).rejects.toMatchObject({
    message: 'Namespace both belongs to another set-up',
    evidence: [expect.anything(), expect.stringContaining('pipeline-7 (jest-kubernetes/owner: 99999999)')],
  });
  expect(await deleteOwned(access, ours.id)).toEqual([]);
  // an attempt before has made it
  expect(await applyObjects(access, objects, sharing(theirs))).toBe(0);
  expect(await deleteOwned(access, theirs.id)).toEqual(['Namespace both']);
});

test('the volumes of a StatefulSet go with it', async () => {
  const objects = parsed(`
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store, namespace: team }
spec:
  serviceName: store
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: c, image: none.invalid/none, imagePullPolicy: Never }] }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
`);
  await applyObjects(access, objects, sharing());
  const claims = () => kubectl(['get', 'persistentvolumeclaims', '-n', 'team', '-o', 'name']);
  while (!(await claims()).includes('data-store-0')) await delay(100);
  await deleteOwned(access, ours.id);
  expect(await claims()).toBe('');
});

test('the role `edit` in one namespace is enough, which is also where what names none goes', async () => {
  await kubectl(['create', 'serviceaccount', 'ci', '-n', 'team']);
  await kubectl([
    'create',
    'rolebinding',
    'ci',
    '--clusterrole=edit',
    '--serviceaccount=team:ci',
    '-n',
    'team',
  ]);
  const token = (await kubectl(['create', 'token', 'ci', '-n', 'team'])).trim();
  const kubeconfig = join(cluster.folder, 'edit.kubeconfig');
  const { stdout } = await promisify(execFile)('kind', ['get', 'kubeconfig', '--name', access.name]);
  const server = /server: (.*)/.exec(stdout)?.[1];
  const ca = /certificate-authority-data: (.*)/.exec(stdout)?.[1];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca } }],
      users: [{ name: 'ci', user: { token } }],
      contexts: [{ name: 'ci', context: { cluster: 'c', user: 'ci', namespace: 'team' } }],
    }),
  );
  const limited = { name: 'shop', kubeconfig, context: 'ci' };
  const objects = parsed(`
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: web }
`);
  await applyObjects(limited, objects, sharing());
  const slices = () => kubectl(['get', 'endpointslices', '-n', 'team', '-o', 'yaml']);
  while (!(await slices()).includes('jest-kubernetes/owner: 0a1b2c3d')) await delay(100);
  expect((await deleteOwned(limited, ours.id)).sort()).toEqual(['ConfigMap team/web', 'Service team/web']);
  using api = openApi(access);
  await expect(api.request('/api/v1/namespaces/team/services/web')).rejects.toThrow('not found');
});
