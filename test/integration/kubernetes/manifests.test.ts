import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { parse, stringify } from 'yaml';

import {
  applyObjects,
  type ClusterAccess,
  deleteOwned,
  Kinds,
  type KubernetesObject,
  type ManifestObject,
  openApi,
  type Owner,
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

/** As in a cluster that was there before. */
const owner: Owner = { id: 'f5e6366d', cluster: 'shop' };
const applyShared = (objects: readonly ManifestObject[], by = owner): Promise<number> =>
  applyObjects(access, objects, { ...steps, shared: { owner: by, conflicts: 'refuse' } });

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
  await applyShared(objects);
  const widget = await openApi(access).request<{ spec: unknown }>(
    '/apis/shop.test/v1/namespaces/shop/widgets/one',
  );
  expect(widget.spec).toEqual({ size: 3, anything: { goes: [1, 2] } });
  await applyShared(objects);
  interface Namespace {
    metadata: { uid: string; deletionTimestamp?: string };
  }
  const namespace = (): Promise<Namespace> => openApi(access).request('/api/v1/namespaces/shop');
  const { metadata: before } = await namespace();
  const removing = deleteOwned(access, owner);
  while ((await namespace()).metadata.deletionTimestamp === undefined) await delay(20);
  // what is on its way out takes nothing in: it is waited for, and made anew, by another life of the same name
  const anew: Owner = { ...owner, id: '0badcafe' };
  await applyShared(objects, anew);
  expect(await removing).toEqual(expect.arrayContaining(['Pod shop/early', 'Namespace shop']));
  expect((await namespace()).metadata.uid).not.toBe(before.uid);
  await deleteOwned(access, anew);
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
  await applyShared(objects);
  const api = openApi(access);
  const gadget = '/apis/shop.test/v1/gadgets/held';
  const isDeleted = async (path: string): Promise<boolean> =>
    (await api.request<{ metadata: { deletionTimestamp?: string } }>(path)).metadata.deletionTimestamp !==
    undefined;
  const seen: string[] = [];
  const progress = { ...silent, waitingFor: (what: string) => seen.push(what) };
  const removing = deleteOwned(access, owner, { progress });
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
  await applyShared(objects);
  await expect(deleteOwned(access, owner, { limit: 500 })).rejects.toMatchObject({
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
    message: expect.stringMatching(/^Service bad could not be applied: .*99999999/) as string,
    evidence: ['/repo/bad.yaml:1: v1 Service'],
  });
});

/** The API server's own text of an object: every byte of it. */
const bytes = (path: string): Promise<string> => openApi(access).text(path);

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: parts.shop.test }
spec:
  group: shop.test
  scope: Namespaced
  names: { plural: parts, singular: part, kind: Part }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }
---
apiVersion: v1
kind: Namespace
metadata: { name: theirs }
---
apiVersion: v1
kind: Secret
metadata: { name: login, namespace: theirs }
stringData: { user: me }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: theirs }
spec:
  replicas: 0
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: busybox, resources: { requests: { cpu: 100m } } }] }
`;

test('what was there before is neither changed, marked nor deleted, and a change of it is refused', async () => {
  using core = openApi(access);
  const kinds = new Kinds(core);
  for (const { object } of parseManifest(widgets, '/theirs.yaml')) {
    const path = `${await kinds.pathOf(object)}?fieldManager=the-team`;
    await core.request(path, {
      ...{ method: 'PATCH', body: object },
      contentType: 'application/apply-patch+yaml',
    });
  }
  const part = 'apiVersion: shop.test/v1\nkind: Part\nmetadata: { name: one, namespace: default }';
  await applyObjects(access, parseManifest(part, '/part.yaml'), steps);
  const places = [
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/parts.shop.test',
    '/apis/shop.test/v1/namespaces/default/parts/one',
    '/api/v1/namespaces/theirs',
    '/api/v1/namespaces/theirs/secrets/login',
    '/apis/apps/v1/namespaces/theirs/deployments/web',
  ];
  // its controller has written its status
  while (!(await bytes('/apis/apps/v1/namespaces/theirs/deployments/web')).includes('observedGeneration'))
    await delay(50);
  const all = await Promise.all(places.map(bytes));

  const more = `${widgets}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ours, namespace: theirs }\n`;
  expect(await applyShared(parseManifest(more, '/more.yaml'))).toBe(4);
  const changed = parseManifest(more.replace('replicas: 0', 'replicas: 1'), '/changed.yaml');
  await expect(applyShared(changed)).rejects.toMatchObject({
    code: 'MANIFEST_CONFLICT',
    evidence: [
      'Deployment theirs/web of /changed.yaml:21: it would change .spec.replicas (managed by the-team)',
    ],
  });
  expect(await deleteOwned(access, owner)).toEqual(['ConfigMap theirs/ours']);
  expect(await Promise.all(places.map(bytes))).toEqual(all);

  for (const path of [places[2], places[0]]) await core.request(path ?? '', { method: 'DELETE' });
}, 120_000);

test('the ordinary role edit in one namespace is enough to make and to clean up, volumes and endpoints too', async () => {
  const admin = openApi(access);
  const path = '/api/v1/namespaces/team';
  const make = (object: KubernetesObject): Promise<void> =>
    applyObjects(access, [{ object, origin: 'the test' }], steps).then(() => undefined);
  await make({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
  await make({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'ci', namespace: 'team' } });
  await make({
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
    metadata: { name: 'ci', namespace: 'team' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'ci', namespace: 'team' }],
  });
  const { status } = await admin.request<{ status: { token: string } }>(`${path}/serviceaccounts/ci/token`, {
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  const kubeconfig = join(cluster?.folder ?? '', 'edit.kubeconfig');
  const written = parse(await readFile(access.kubeconfig, 'utf8')) as { clusters: { name: string }[] };
  await writeFile(
    kubeconfig,
    stringify({
      ...written,
      users: [{ name: 'ci', user: { token: status.token } }],
      contexts: [
        { name: 'ci', context: { cluster: written.clusters[0]?.name, user: 'ci', namespace: 'team' } },
      ],
    }),
  );
  const editor: ClusterAccess = { name: 'shop', kubeconfig, context: 'ci' };
  const text = `
apiVersion: v1
kind: Namespace
metadata: { name: team }
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, selector: { app: db }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: busybox, imagePullPolicy: Never, volumeMounts: [{ name: files, mountPath: /files }] }] }
  volumeClaimTemplates:
    - metadata: { name: files }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
`;
  const shared = { owner, conflicts: 'refuse' as const };
  // the namespace, which this user may see and not make, is left as it is
  expect(await applyObjects(editor, parseManifest(text, '/edit.yaml'), { ...steps, shared })).toBe(1);
  interface Items {
    items: { metadata: { name: string; labels?: Record<string, string> } }[];
  }
  const named = async (place: string): Promise<string[]> =>
    (await admin.request<Items>(place)).items.map(({ metadata }) => metadata.name);
  const [claims, endpoints] = [`${path}/persistentvolumeclaims`, `${path}/endpoints`];
  while ((await named(claims)).length === 0 || (await named(endpoints)).length === 0) await delay(50);

  expect(await deleteOwned(editor, owner)).toEqual(
    expect.arrayContaining([
      'PersistentVolumeClaim team/files-db-0',
      'Service team/db',
      'StatefulSet team/db',
    ]),
  );
  expect(await named(claims)).toEqual([]);
  expect(await named(`${path}/services`)).toEqual([]);
  await admin.request(path, { method: 'DELETE' });
}, 120_000);
