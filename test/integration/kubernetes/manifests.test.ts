import { setTimeout as delay } from 'node:timers/promises';

import {
  applyObjects,
  type ClusterAccess,
  deleteOwned,
  openApi,
  parseManifest,
} from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { type KindCluster, kindCluster } from '../kind-cluster.js';

/* One cluster for the whole file; each test takes away what it has made. */
jest.setTimeout(60_000);

const steps = { signal: AbortSignal.timeout(600_000), progress: silent };
let cluster: KindCluster | undefined;
let access: ClusterAccess;

beforeAll(async () => {
  cluster = await kindCluster('jkm');
  ({ access } = cluster);
}, 240_000);

afterAll(async () => {
  await cluster?.remove();
}, 60_000);

const owner = { name: 'shop', id: '0a1b2c3d' };
const shared = { ...steps, sharing: { owner, conflicts: 'refuse' as const } };

test('objects of a kind that is defined beside them are applied, whatever their order, removed, and applied anew', async () => {
  const text = `
apiVersion: shop.test/v1
kind: Widget
metadata: { name: one, namespace: shop }
spec: { size: 3, anything: { goes: [1, 2] } }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.shop.test }
spec:
  group: shop.test
  scope: Namespaced
  names: { kind: Widget, plural: widgets }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
---
apiVersion: v1
kind: Pod
metadata: { name: early, namespace: shop }
spec: { containers: [{ name: c, image: busybox, imagePullPolicy: Never, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop }
`;
  const objects = parseManifest(text, '/shop.yaml');
  await applyObjects(access, objects, shared);
  const widget = await openApi(access).request<{ spec: unknown }>(
    '/apis/shop.test/v1/namespaces/shop/widgets/one',
  );
  expect(widget.spec).toEqual({ size: 3, anything: { goes: [1, 2] } });
  await applyObjects(access, objects, shared);
  interface Namespace {
    metadata: { uid: string; deletionTimestamp?: string };
  }
  const namespace = (): Promise<Namespace> => openApi(access).request('/api/v1/namespaces/shop');
  const { metadata: before } = await namespace();
  const removing = deleteOwned(access, owner.id);
  while ((await namespace()).metadata.deletionTimestamp === undefined) await delay(20);
  // what is on its way out takes nothing in: it is waited for, and made anew
  await applyObjects(access, objects, shared);
  expect(await removing).toEqual(expect.arrayContaining(['Pod shop/early', 'Namespace shop']));
  expect((await namespace()).metadata.uid).not.toBe(before.uid);
  await deleteOwned(access, owner.id);
  await expect(namespace()).rejects.toThrow('not found');
}, 300_000);

test('a custom resource goes while its operator’s namespace is still there', async () => {
  const text = `
apiVersion: v1
kind: Namespace
metadata: { name: operator }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gadgets.shop.test }
spec:
  group: shop.test
  scope: Cluster
  names: { plural: gadgets, singular: gadget, kind: Gadget }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }
---
apiVersion: shop.test/v1
kind: Gadget
metadata: { name: held, finalizers: [shop.test/operator] }
`;
  const objects = parseManifest(text, '/operator.yaml');
  await applyObjects(access, objects, shared);
  const api = openApi(access);
  const gadget = '/apis/shop.test/v1/gadgets/held';
  const isDeleted = async (path: string): Promise<boolean> =>
    (await api.request<{ metadata: { deletionTimestamp?: string } }>(path)).metadata.deletionTimestamp !==
    undefined;
  const seen: string[] = [];
  const progress = { ...silent, waitingFor: (what: string) => seen.push(what) };
  const removing = deleteOwned(access, owner.id, { progress });
  while (!(await isDeleted(gadget))) await delay(20);
  while (!seen.includes('Gadget held to be gone')) await delay(20);
  expect(await isDeleted('/api/v1/namespaces/operator')).toBe(false);
  const body = { metadata: { finalizers: null } };
  await api.request(gadget, { method: 'PATCH', contentType: 'application/merge-patch+json', body });
  expect(await removing).toContain('Gadget held');
  await expect(isDeleted('/api/v1/namespaces/operator')).rejects.toThrow('not found');
}, 180_000);

test('what does not go is told, with its finalizer and the command that deletes it', async () => {
  const text = `
apiVersion: v1
kind: ConfigMap
metadata: { name: held, namespace: default, finalizers: [shop.test/hold] }
`;
  const objects = parseManifest(text, '/held.yaml');
  await applyObjects(access, objects, shared);
  await expect(deleteOwned(access, owner.id, { limit: 500 })).rejects.toMatchObject({
    code: 'CLUSTER_DELETE_FAILED',
    evidence: ['left: ConfigMap default/held (finalizers shop.test/hold)'],
    remedy: `kubectl --context ${access.context} --namespace default delete configmaps held`,
  });
  await openApi(access).request('/api/v1/namespaces/default/configmaps/held', {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { metadata: { finalizers: null } },
  });
});

test('an object that the API server refuses is told with its file and the server’s words', async () => {
  const objects = parseManifest(
    'apiVersion: v1\nkind: Service\nmetadata: { name: bad }\nspec: { ports: [{ port: 99999999 }] }\n',
    '/repo/bad.yaml',
  );
  await expect(applyObjects(access, objects, steps)).rejects.toMatchObject({
    code: 'MANIFEST_FAILED',
    message: 'Service bad could not be applied',
    evidence: ['/repo/bad.yaml:1: v1 Service', expect.stringContaining('99999999')],
  });
});
