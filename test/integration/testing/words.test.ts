import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  apply,
  available,
  complete,
  condition,
  count,
  deleted,
  eventually,
  hasEndpoints,
  jsonPath,
  namespace,
  remove,
  waitFor,
} from '../../../src/index.js';
import { isGone, openApi, unless } from '../../../src/kubernetes/index.js';
import { clusterAccess } from '../../../src/testing/cluster.js';
import {
  beginTest,
  beginTestFile,
  currentScope,
  endTest,
  endTestFile,
} from '../../../src/testing/test-file.js';
import { type KindCluster, kindCluster } from '../kind-cluster.js';

/* One cluster for the whole file; each test is a test file of its own to the test API. */
jest.setTimeout(120_000);

let cluster: KindCluster | undefined;
let folder: string;

beforeAll(async () => {
  cluster = await kindCluster('jkw');
  ({ folder } = cluster);
  await cluster.load('busybox');
  process.env['KUBECONFIG'] = cluster.access.kubeconfig;
  process.env['JEST_KUBERNETES_CONTEXT'] = cluster.access.context;
}, 240_000);

afterAll(async () => {
  await cluster?.remove();
}, 60_000);

let files = 0;
beforeEach(() => {
  beginTestFile(join(folder, `suite-${(files += 1)}.test.ts`));
  beginTest('a test');
});
afterEach(() => endTestFile());

const image = 'busybox';
const deployment = (name: string, command: string, replicas = 1, probe?: string[]) => ({
  apiVersion: 'apps/v1' as const,
  kind: 'Deployment' as const,
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image,
            imagePullPolicy: 'IfNotPresent',
            command: ['sh', '-c', command],
            ...(probe && { readinessProbe: { exec: { command: probe } } }),
          },
        ],
      },
    },
  },
});

test('a deployment and its service are applied, waited for and removed', async () => {
  const service = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;
  const [web] = await apply(deployment('web', 'httpd -f -p 8080', 2));
  const [svc] = await apply(service);
  expect(svc?.kind).toBe('Service');
  const found = await waitFor(web);
  expect(found.status?.readyReplicas).toBe(2);
  expect(found.metadata?.creationTimestamp).toBeInstanceOf(Date);
  await waitFor('deploy/web', available);
  await waitFor('svc/web', hasEndpoints);
  await waitFor({ kind: 'Pod', selector: { app: 'web' } }, count(2));
  const pods = await waitFor('pods', (all) => all.length === 2);
  expect(pods.map(({ spec }) => spec?.containers[0]?.image)).toEqual([image, image]);
  await waitFor('deployment/web', jsonPath('{.status.readyReplicas}', 2));
  await apply('kind: Deployment', { text: () => JSON.stringify(deployment('web', 'httpd -f -p 8080', 1)) });
  expect((await waitFor('deployment/web')).status?.replicas).toBe(1);
  // those that come in their place are others
  await remove({ kind: 'Pod', selector: 'app=web' });
  await waitFor('deployment/web');
  await remove([web, 'service/web']);
  // a busy machine is late to look, and late to end
  await expect(waitFor('deployment/web', condition('Available'), { total: '3s' })).rejects.toMatchObject({
    code: 'WAIT_FAILED',
    message: expect.stringMatching(
      /^Deployment suite-1-\w+\/web is not ‘Available’ after \d+\.\d s$/,
    ) as string,
    evidence: ['it is not there'],
  });
});

test('what can come to no good end is told at once, with its cause', async () => {
  await apply(deployment('broken', 'echo cannot read /etc/app.conf; exit 3', 1, ['false']));
  await expect(waitFor('deployment/broken', available, { total: '100s' })).rejects.toMatchObject({
    code: 'POD_CRASHED',
    evidence: expect.arrayContaining([expect.stringContaining('cannot read /etc/app.conf')]) as string[],
  });
  const [job] = await apply(`
apiVersion: batch/v1
kind: Job
metadata: { name: once }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: ${image}, imagePullPolicy: IfNotPresent, command: [sh, -c, "exit 1"] }]
`);
  if (job === undefined) throw new Error('no job');
  await expect(waitFor(job, complete)).rejects.toThrow(
    /^Job suite-2-\w+\/once will not be complete: Failed is True/,
  );
});

test('a definition is waited for before its resources, which know by themselves when they are ready', async () => {
  const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { kind: Widget, plural: widgets, singular: widget, shortNames: [wd] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-preserve-unknown-fields: true
`;
  await mkdir(join(folder, 'k8s'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(
    join(folder, 'k8s/all.yaml'),
    `apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: one }\nspec: { size: 0400 }\n---\n${definition}`,
  );
  const [widget, made] = await apply('k8s/all.yaml', { patch: { metadata: { labels: { by: 'test' } } } });
  expect(widget).toMatchObject({ kind: 'Widget', spec: { size: 256 }, metadata: { labels: { by: 'test' } } });
  const lacking = waitFor('wd/one', undefined, { total: 700 });
  await expect(lacking).rejects.toMatchObject({
    evidence: [expect.stringContaining('no controller has taken it up')],
  });
  const api = openApi(clusterAccess());
  const path = `/apis/example.com/v1/namespaces/${await namespace()}/widgets/one/status`;
  const waiting = waitFor('widgets.example.com/one');
  await api.request(path, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
  });
  expect(await waiting).toHaveProperty('status.conditions.length', 1);

  // another file holds it too: the first to end leaves it
  await endTestFile();
  beginTestFile(join(folder, 'other.test.ts'));
  const [again] = await apply(definition);
  expect(again?.metadata.uid).not.toBe(made?.metadata.uid);
  await endTestFile();
  const left = unless(
    isGone,
    api.request('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com'),
  );
  expect((await left) ?? { metadata: { deletionTimestamp: 'gone' } }).toHaveProperty(
    'metadata.deletionTimestamp',
  );
  api[Symbol.dispose]();
});

test('what was there before is not changed, and not lost', async () => {
  const api = openApi(clusterAccess());
  const path = '/api/v1/namespaces/default/configmaps/theirs';
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs' }, data: { a: '1' } };
  await api.request('/api/v1/namespaces/default/configmaps?fieldManager=them', {
    method: 'POST',
    body: theirs,
  });
  const at = { ...theirs, metadata: { name: 'theirs', namespace: 'default' } };
  await expect(apply({ ...at, data: { a: '2' } })).rejects.toMatchObject({
    code: 'MANIFEST_CONFLICT',
    evidence: [expect.stringContaining('"them"')],
  });
  await apply({ ...at, data: { a: '1', b: '2' } });
  expect(await api.request(path)).toMatchObject({ data: { a: '1', b: '2' } });
  await endTestFile();
  expect(await api.request(path)).toMatchObject({ data: { a: '1' } });
  expect(await api.request<{ data: object }>(path)).not.toHaveProperty('data.b');
  api[Symbol.dispose]();
});

interface Gadget {
  apiVersion: 'example.com/v1';
  kind: 'Gadget';
  metadata: { name: string };
  spec: { size: number };
  status?: { size?: number };
}

test('an object of a type of one’s own stays of that type', () => {
  const gadget: Gadget = {
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'one' },
    spec: { size: 1 },
  };
  // not run: that it compiles is what is tested
  const typed = async (): Promise<[Gadget, number | undefined, Gadget]> => {
    const [applied] = await apply(gadget);
    const found = await waitFor(gadget, ({ status }) => status?.size === 1);
    return [applied, found.status?.size, found];
  };
  expect(typed).toBeInstanceOf(Function);
});

test('remove() of a name, or of a selection, waits for those that were there, whatever comes in their place', async () => {
  const [own] = await apply(deployment('firm', 'sleep 600'));
  await waitFor(own);
  const replaced = async (what: Parameters<typeof remove>[0], kind: string): Promise<void> => {
    const uids = async (): Promise<(string | undefined)[]> =>
      (await waitFor({ kind, selector: 'app=firm' }, count(1))).map(({ metadata }) => metadata.uid);
    const [before] = await uids();
    await remove(what, { gracePeriod: 0, total: '20s' });
    expect(await uids()).not.toEqual([before]);
  };
  await replaced({ kind: 'Pod', selector: 'app=firm' }, 'Pod');
  const [set] = await waitFor({ kind: 'ReplicaSet', selector: 'app=firm' }, count(1));
  await replaced(`replicaset/${set?.metadata?.name ?? ''}`, 'ReplicaSet');
});

test('mistakes are told by name', async () => {
  await expect(apply('k8s/missing.yaml')).rejects.toThrow(/no file, folder or text ‘k8s\/missing.yaml’/);
  await expect(
    apply('apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: { name: x }'),
  ).rejects.toMatchObject({
    code: 'MANIFEST_FAILED',
    message:
      'Deployment x could not be applied: the cluster serves no Deployment of apps/v1beta1; it has Deployment of apps/v1',
    evidence: ['the text:1: apps/v1beta1 Deployment'],
  });
  await expect(apply('kind: Pod\nspec: [')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  await expect(waitFor('depployment/web')).rejects.toThrow(/the cluster has no kind ‘depployment’/);
  await expect(waitFor('deployment/')).rejects.toThrow(/not of the form kind\/name/);
  await expect(waitFor({ kind: '' })).rejects.toMatchObject({ code: 'TARGET_INVALID' });
  await expect(remove('pods')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  await expect(remove({ kind: 'Pod' })).rejects.toThrow(/would all be removed/);
  await expect(waitFor('pod/x', undefined, { total: 'soon' })).rejects.toThrow(
    /total: "soon" is no duration/,
  );
});

test('eventually tries again, and tells what failed before', async () => {
  let tries = 0;
  expect(
    await eventually(() => {
      tries += 1;
      expect(tries).toBeGreaterThan(2);
      return tries;
    }),
  ).toBe(3);
  let calls = 0;
  const failing = eventually(
    () => {
      calls += 1;
      expect(calls < 3 ? 'pending' : 'failed').toBe('ready');
    },
    { total: 600, interval: 100 },
  );
  await expect(failing).rejects.toThrow(
    /Expected: .*"ready"[^]*eventually: tried \d+ times[^]*Received: "pending" \(2 times\)/,
  );
  const never = eventually(() => new Promise(() => undefined), { total: 200 });
  await expect(never).rejects.toThrow(/the first attempt has not ended after 0\.\d s/);
});

test('a namespace for a test goes with it, one by name stands beside the file’s own', async () => {
  const file = await namespace();
  const [a, strict] = await Promise.all([
    namespace({ name: 'a', labels: { team: 'shop' } }),
    namespace({ name: 'strict', podSecurity: 'restricted' }),
  ]);
  expect(await namespace({ name: 'a' })).toBe(a);
  const own = await namespace({ per: 'test' });
  expect(await namespace()).toBe(own);
  expect(new Set([file, a, strict, own]).size).toBe(4);
  await expect(
    apply({
      ...deployment('x', 'true').spec.template,
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'x', namespace: strict },
    }),
  ).rejects.toThrow(/PodSecurity/);
  expect(currentScope().namespaces).toEqual([own]);
  const api = openApi(clusterAccess());
  expect(await api.request(`/api/v1/namespaces/${a}`)).toMatchObject({
    metadata: { labels: { team: 'shop' } },
  });
  await endTest();
  expect(await namespace()).toBe(file);
  await waitFor(`namespace/${own}`, deleted);
  api[Symbol.dispose]();
});
