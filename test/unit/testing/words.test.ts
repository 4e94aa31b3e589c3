import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { KubernetesObject } from '../../../src/kubernetes/index.js';
import {
  apply,
  as,
  can,
  client,
  cp,
  events,
  exec,
  forward,
  kubeConfig,
  logs,
  namespace,
  proxy,
  remove,
  type Target,
  waitFor,
} from '../../../src/testing/index.js';
import { type MatcherContext, matchers } from '../../../src/testing/matchers.js';
import { beginTestFile, endTestFile } from '../../../src/testing/test-file.js';
import { type FakeCluster, fakeCluster } from '../kubernetes/fake-cluster.js';

const here = { namespace: 'shop' };
const quickly = { ...here, total: 300 };

/** The words that are about a target. */
const onTarget: Record<string, (target: Target) => Promise<unknown>> = {
  exec: (target) => exec(target, 'true', here),
  logs: (target) => logs(target, here),
  'logs, followed': async (target) => {
    for await (const line of logs(target, { ...here, follow: true })) return line;
    return undefined;
  },
  cp: (target) => cp({ target, path: '/etc/hosts' }, '/nowhere/', here),
  forward: (target) => forward(target, 80, here),
  events: (target) => events(target, here),
  waitFor: (target) => waitFor(target, undefined, quickly),
  remove: (target) => remove(target, quickly),
  toBeReady: (target) => matchers.toBeReady.call({} as MatcherContext, target),
};
const words = Object.keys(onTarget);
const of = (word: string, target: Target): Promise<unknown> => {
  const call = onTarget[word];
  if (call === undefined) throw new Error(`no word ${word}`);
  return call(target);
};
const unnamed: unknown = { apiVersion: 'v1', kind: 'Pod', metadata: {} };
const ofNoKind: unknown = { metadata: { name: 'web' } };
/** Those that need a pod. */
const onPods = ['exec', 'logs', 'logs, followed', 'cp', 'forward'];

const pod = (name: string, state: object): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', labels: { app: name } } },
  spec: { containers: [{ name: 'web' }, { name: 'side' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'web', state }] },
});

let cluster: FakeCluster;
let folder: string;
const before = { ...process.env };
beforeEach(async () => {
  cluster = await fakeCluster('shop');
  folder = mkdtempSync(join(tmpdir(), 'words-'));
  const { kubeconfig, context } = cluster.access;
  Object.assign(process.env, { KUBECONFIG: kubeconfig, JEST_KUBERNETES_CONTEXT: context });
  beginTestFile(__filename);
  cluster.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  cluster.put(pod('web', { running: {} }));
});
afterEach(async () => {
  await endTestFile();
  await cluster[Symbol.asyncDispose]();
  process.env = { ...before };
  rmSync(folder, { recursive: true });
});

const failure = (code: string, message: string | RegExp, ...evidence: readonly unknown[]): unknown =>
  expect.objectContaining({
    ...{ code, message: expect.stringMatching(message) as string },
    ...(evidence.length > 0 && { evidence }),
  });

describe('what names nothing in the cluster', () => {
  test.each(words)(
    '%s: a kind that there is not, a text of another form, a name that is not told',
    async (word) => {
      await expect(of(word, { kind: 'Podz', name: 'web' })).rejects.toEqual(
        failure(
          'TARGET_INVALID',
          /^Podz names nothing in the cluster: the cluster has no kind ‘Podz’; did you mean pod\?$/,
        ),
      );
      await expect(of(word, { apiVersion: 'apps/v1', kind: 'StatefullSet', name: 'db' })).rejects.toEqual(
        failure(
          'TARGET_INVALID',
          /the cluster serves no StatefullSet of apps\/v1; did you mean StatefulSet\?$/,
        ),
      );
      await expect(of(word, { apiVersion: 'apps/v1beta1', kind: 'StatefulSet', name: 'db' })).rejects.toEqual(
        failure(
          'TARGET_INVALID',
          'the cluster serves no StatefulSet of apps/v1beta1; it has StatefulSet of apps/v1',
        ),
      );
      await expect(of(word, { kind: '' })).rejects.toEqual(failure('TARGET_INVALID', 'it has no kind'));
    },
  );

  test.each(words.filter((word) => word !== 'remove'))(
    '%s: a text, or an object, of another form',
    async (word) => {
      for (const text of ['pod/', 'pod/web/more', '/web'])
        await expect(of(word, text)).rejects.toEqual(
          failure('TARGET_INVALID', 'it is not of the form kind/name'),
        );
      await expect(of(word, unnamed as Target)).rejects.toEqual(
        failure('TARGET_INVALID', 'a Pod without metadata.name'),
      );
      await expect(of(word, ofNoKind as Target)).rejects.toEqual(
        failure('TARGET_INVALID', 'an object called web names nothing in the cluster: it has no kind'),
      );
    },
  );

  test.each([...onPods, 'events'])(
    '%s: an object that is not there, with the one that was meant',
    async (word) => {
      await expect(of(word, 'pod/wbe')).rejects.toMatchObject({
        code: 'TARGET_INVALID',
        message: 'There is no Pod shop/wbe',
        evidence: ['there is in the namespace shop: web'],
        remedy: 'Did you mean web?',
      });
    },
  );

  test.each(onPods)('%s: what has no pods, and what is more than one', async (word) => {
    cluster.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop' } });
    await expect(of(word, 'configmap/settings')).rejects.toEqual(
      failure('TARGET_INVALID', /^ConfigMap shop\/settings selects no pods$/),
    );
    await expect(of(word, 'statefulsets')).rejects.toEqual(
      failure('TARGET_INVALID', /all StatefulSet objects in shop .*names no single object/),
    );
  });

  test('toBeReady: what is no target at all', async () => {
    await expect(of('toBeReady', 5 as never)).rejects.toEqual(
      failure('TARGET_INVALID', '5 is no object of the cluster, and no name of one'),
    );
  });

  test('remove: all of a kind, by no name', async () => {
    await expect(remove({ kind: 'Pod' }, here)).rejects.toEqual(
      failure('TARGET_INVALID', 'all Pod objects in shop would all be removed'),
    );
    expect(cluster.names()).toContain('Pod shop/web');
  });
});

describe('pods', () => {
  const inSide = { ...here, container: 'sidecar' };
  test.each<[string, () => PromiseLike<unknown>]>([
    ['exec', () => exec('pod/web', 'true', inSide)],
    ['logs', () => logs('pod/web', inSide)],
    ['cp', () => cp('pod/web:/etc/hosts', '/nowhere/', inSide)],
  ])('%s: a container that the pod has not', async (_word, call) => {
    await expect(call()).rejects.toEqual(
      failure('TARGET_INVALID', /^Pod shop\/web has no container ‘sidecar’$/, 'it has web, side'),
    );
  });

  test.each(['exec', 'cp'])('%s: one that does not run, and why', async (word) => {
    cluster.put(pod('late', { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }));
    await expect(of(word, 'pod/late')).rejects.toEqual(
      failure(
        'POD_NOT_READY',
        /^No pod of Pod shop\/late runs now$/,
        'late is Running: its container web waits (ImagePullBackOff): no such image',
      ),
    );
  });

  test('forward: a port that is not told, or not there', async () => {
    await expect(forward('pod/web', undefined, here)).rejects.toEqual(
      failure('TARGET_INVALID', /^Which port of Pod shop\/web is meant is not said$/, 'it tells of none'),
    );
    await expect(forward('pod/web', 'http', here)).rejects.toEqual(
      failure('TARGET_INVALID', /^Pod shop\/web has no port http$/, 'it has none'),
    );
  });

  test('exec: no command; logs: what cannot be followed, or counted; cp: neither place in a container', async () => {
    await expect(exec('pod/web', '', here)).rejects.toEqual(failure('EXEC_FAILED', 'There is no command'));
    await expect(logs('pod/web', { ...here, previous: true, follow: true })).rejects.toEqual(
      failure('LOGS_FAILED', 'what has ended cannot be followed'),
    );
    await expect(logs('pod/web', { ...here, tail: -1 })).rejects.toEqual(failure('LOGS_FAILED', 'tail: -1'));
    await expect(cp('a', 'b')).rejects.toEqual(failure('TARGET_INVALID', 'neither path is in a container'));
  });
});

describe('what the API server forbids is told with the verb and the resource', () => {
  test.each([
    ...onPods.map((word) => [word, 'pod/web', /pods/, 'cannot list resource "pods"'] as const),
    ['forward', 'service/web', /services/, 'cannot get resource "services"'] as const,
    ['events', 'pod/web', /events/, 'cannot list resource "events"'] as const,
  ])('%s of %s', async (word, target, requests, said) => {
    cluster.forbidden = (request) => requests.test(request);
    await expect(of(word, target)).rejects.toEqual(
      failure('FORBIDDEN', /^The API server forbids to /, expect.stringContaining(said)),
    );
  });

  test('can', async () => {
    cluster.forbidden = (request) => request.includes('selfsubjectaccessreviews');
    await expect(can('list', 'pods', here)).rejects.toEqual(
      failure('FORBIDDEN', 'ask what its user may do', expect.stringContaining('cannot create resource')),
    );
    await expect(as('jane').can('list', 'pods', here)).rejects.toEqual(
      failure('FORBIDDEN', 'ask what jane may do', expect.anything()),
    );
  });

  test('apply, remove, namespace, waitFor', async () => {
    cluster.forbidden = (request) => /^(PATCH|POST|DELETE|GET .*pods)/.test(request);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } } as const;
    await expect(apply(map, here)).rejects.toEqual(
      failure('MANIFEST_FAILED', 'cannot patch resource "configmaps" in the namespace "shop"'),
    );
    await expect(remove('pod/web', quickly)).rejects.toThrow('cannot delete resource "pods"');
    await expect(waitFor('pod/web', undefined, here)).rejects.toEqual(
      failure(
        'FORBIDDEN',
        /^The API server forbids to wait for Pod shop\/web$/,
        expect.stringContaining('cannot list resource "pods"'),
      ),
    );
    await expect(namespace()).rejects.toThrow('cannot create resource "namespaces"');
  });
});

describe('apply', () => {
  test.each([
    ['not: [closed', /web\.yaml:\d/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', /web\.yaml:1/],
    [
      '---\napiVersion: v1\nkind: Secret\nmetadata: { name: a }\n---\nkind: Pod\nmetadata: { name: b }\n',
      /web\.yaml:6/,
    ],
  ])('YAML that is none, or no object, with file and line: %j', async (yaml, place) => {
    const file = join(folder, 'web.yaml');
    writeFileSync(file, yaml);
    const error = await apply(file, here).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
    const { message, evidence } = error as { message: string; evidence: string[] };
    expect([message, ...evidence].join('\n')).toMatch(place);
    expect(cluster.names()).toEqual(['Namespace shop', 'Pod shop/web']);
  });

  test('a version that the server has not, with those that it has', async () => {
    const set = { apiVersion: 'apps/v1beta1', kind: 'StatefulSet', metadata: { name: 'db' } } as const;
    await expect(apply(set, here)).rejects.toEqual(
      failure(
        'MANIFEST_FAILED',
        /serves no StatefulSet of apps\/v1beta1; it has StatefulSet of apps\/v1$/,
        'the object: apps/v1beta1 StatefulSet',
      ),
    );
  });

  test('nothing that can be applied: a number, a path of nothing, an object without a name', async () => {
    await expect(apply(5 as never)).rejects.toEqual(
      failure('MANIFEST_INVALID', '5 is nothing that can be applied'),
    );
    await expect(apply('k8s/nowhere.yaml')).rejects.toEqual(
      failure('MANIFEST_INVALID', 'There is no file, folder or text ‘k8s/nowhere.yaml’'),
    );
    await expect(apply({ apiVersion: 'v1', kind: 'ConfigMap' })).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    });
  });
});

describe('waitFor', () => {
  test('tells what is lacking; of a limit that is none, which', async () => {
    await expect(waitFor('pod/gone', undefined, quickly)).rejects.toEqual(
      failure('WAIT_FAILED', /^Pod shop\/gone is not ready after 0\.\d s$/, 'it is not there'),
    );
    await expect(waitFor('pod/web', undefined, { ...here, stall: 'soon' })).rejects.toEqual(
      failure('TARGET_INVALID', 'stall: "soon" is no duration'),
    );
  });
});

test('outside of a run each word says so', async () => {
  Reflect.deleteProperty(process.env, 'JEST_KUBERNETES_CONTEXT');
  await endTestFile();
  const calls: (() => unknown)[] = [
    ...words.map((word) => () => of(word, 'pod/web')),
    () => apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
    () => can('list', 'pods'),
    () => as('jane'),
    () => namespace(),
    () => proxy(),
    () => kubeConfig(),
    () => client(Object as never),
  ];
  for (const call of calls)
    await expect(Promise.resolve().then(call)).rejects.toMatchObject({ code: 'NO_CLUSTER' });
});
