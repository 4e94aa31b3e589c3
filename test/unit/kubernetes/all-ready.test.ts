import type { ServerResponse } from 'node:http';

import { allReady, type KubernetesObject } from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { type FakeServer, fakeServer, json, refusal } from './api-server.js';

/** An API server with objects that change, and watches that tell of it. */
class Watched implements AsyncDisposable {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watches = new Set<{ path: string; response: ServerResponse }>();
  readonly forbidden: (path: string) => boolean;
  #version = 1;
  #server: FakeServer | undefined;

  constructor(forbidden: (path: string) => boolean = () => false) {
    this.forbidden = forbidden;
  }

  async access() {
    this.#server = await fakeServer(
      [
        (response, { url, ...asked }) => {
          const { pathname, searchParams } = new URL(url, 'http://here');
          const resources = [
            { kind: 'Deployment', name: 'deployments', namespaced: true },
            { kind: 'Job', name: 'jobs', namespaced: true },
          ];
          if (/^\/apis\/(apps|batch)\/v1$/.test(pathname))
            return json({ resources })(response, { url, ...asked });
          if (this.forbidden(pathname)) return refusal(403)(response, { url, ...asked });
          if (searchParams.get('watch') === 'true') {
            response.writeHead(200).flushHeaders();
            this.#watches.add({ path: pathname, response });
            return undefined;
          }
          const kind = pathname.endsWith('deployments')
            ? 'Deployment'
            : pathname.endsWith('jobs')
              ? 'Job'
              : 'Pod';
          const items = [...this.#objects]
            .filter(([path]) => path.startsWith(pathname))
            .map(([, each]) => each);
          const metadata = { resourceVersion: String(this.#version) };
          return json({ kind: `${kind}List`, apiVersion: 'v1', metadata, items })(response, {
            url,
            ...asked,
          });
        },
      ],
      { secure: false },
    );
    return this.#server.access();
  }

  get asked(): string[] {
    return (this.#server?.asked ?? []).map(({ url }) => url);
  }

  change(collection: string, object: KubernetesObject | undefined, name = object?.metadata.name ?? ''): void {
    const path = `${collection}/${name}`;
    const before = this.#objects.get(path);
    this.#version += 1;
    const metadata = { ...(object ?? before)?.metadata, resourceVersion: String(this.#version) };
    const whole = { ...(object ?? before), metadata } as KubernetesObject;
    if (object === undefined) this.#objects.delete(path);
    else this.#objects.set(path, whole);
    const type = object === undefined ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
    for (const watch of this.#watches)
      if (watch.path === collection) watch.response.write(`${JSON.stringify({ type, object: whole })}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

const deployments = '/apis/apps/v1/namespaces/shop/deployments';
const jobs = '/apis/batch/v1/namespaces/shop/jobs';
const deployment = (name: string, ready = 0, more: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'shop' } },
  status: {
    ...{ replicas: 1, updatedReplicas: 1, readyReplicas: ready, availableReplicas: ready },
    conditions: [{ type: 'Available', status: ready === 1 ? 'True' : 'False' }],
    ...more,
  },
});
const job = (spec: object, conditions: object[] = []): KubernetesObject => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'seed', namespace: 'shop' } },
  ...{ spec, status: { conditions } },
});

/** What is told of a wait: what it waits for, and each thing that moved. */
function telling() {
  const told = { awaited: '', moved: [] as string[] };
  const progress = {
    ...silent,
    waitingFor: (what: string) => (told.awaited = what),
    moved: (detail?: string) => told.moved.push(detail ?? ''),
  };
  return { told, options: { progress, signal: AbortSignal.timeout(20_000) } };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
};

test('it goes on in the moment in which the last is ready, having told what each lacks', async () => {
  await using server = new Watched();
  server.change(deployments, deployment('web'));
  server.change(deployments, deployment('api'));
  const { told, options } = telling();
  const waiting = allReady(await server.access(), [deployment('web'), deployment('api')], options);
  await until(() => told.awaited !== '');
  expect(told.awaited).toBe(
    'Deployment shop/web: 0 of 1 replicas are ready; Deployment shop/api: 0 of 1 replicas are ready',
  );
  await until(() => server.asked.filter((each) => each.includes('watch=true')).length >= 3);
  server.change(deployments, deployment('web', 1));
  await until(() => told.awaited === 'Deployment shop/api: 0 of 1 replicas are ready');
  server.change(deployments, deployment('api', 1));
  await waiting;
  // one watch for both
  expect(server.asked.filter((each) => each.startsWith(`${deployments}?watch`))).toHaveLength(1);
});

test('what was seen before is no progress, so that a pod that crashes over and over stands still', async () => {
  await using server = new Watched();
  server.change(deployments, deployment('web'));
  const { told, options } = telling();
  const waiting = allReady(await server.access(), [deployment('web')], options);
  await until(() => server.asked.filter((each) => each.includes('watch=true')).length >= 3);
  const pod = (reason: string): KubernetesObject => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop' } },
    status: { phase: 'Pending', containerStatuses: [{ name: 'c', state: { waiting: { reason } } }] },
  });
  const pods = '/api/v1/namespaces/shop/pods';
  const line = (reason: string): string =>
    `pod web-1: its phase is Pending; container c is waiting, ${reason}`;
  for (const reason of ['Creating', 'CrashLoopBackOff', 'Creating', 'CrashLoopBackOff', 'Creating', 'Last'])
    server.change(pods, pod(reason));
  // of others nothing is told
  server.change(pods, { ...pod('Other'), metadata: { name: 'other-1', namespace: 'shop' } });
  await until(() => told.moved.includes(line('Last')));
  const ofPods = told.moved.filter((each) => each.startsWith('pod'));
  expect(ofPods).toEqual(['Creating', 'CrashLoopBackOff', 'Last'].map(line));
  server.change(deployments, deployment('web', 1));
  await waiting;
});

test('one that never will be ready ends it, named with the reason', async () => {
  await using server = new Watched();
  server.change(jobs, job({}, [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }]));
  const { options } = telling();
  await expect(allReady(await server.access(), [job({})], options)).rejects.toMatchObject({
    code: 'WAIT_FAILED',
    message: 'Job shop/seed will not be ready: Failed is True (BackoffLimitExceeded)',
  });
});

test('a Job that goes as soon as it is finished has been finished', async () => {
  await using server = new Watched();
  const { options } = telling();
  await allReady(await server.access(), [job({ ttlSecondsAfterFinished: 0 })], options);
});

test('one that does not count is not waited for, and one that is not there is told', async () => {
  await using server = new Watched();
  server.change(deployments, deployment('theirs'));
  const { told, options } = telling();
  const waiting = allReady(await server.access(), [deployment('theirs'), deployment('ours')], {
    ...options,
    counts: ({ metadata }) => metadata.name === 'ours',
  });
  await until(() => told.awaited !== '');
  expect(told.awaited).toBe('Deployment shop/ours: it is not there');
  await until(() => server.asked.filter((each) => each.includes('watch=true')).length >= 3);
  server.change(deployments, deployment('ours', 1));
  await waiting;
});

test('who may not read pods and events waits without them; who may not read the objects is told', async () => {
  await using server = new Watched((path) => path.endsWith('pods') || path.endsWith('events'));
  server.change(deployments, deployment('web', 1));
  const { options } = telling();
  await allReady(await server.access(), [deployment('web')], options);
  await using closed = new Watched((path) => path.endsWith('deployments'));
  await expect(allReady(await closed.access(), [deployment('web')], options)).rejects.toMatchObject({
    status: 403,
  });
});

test('a cause that is found ends it, and is told what was lacking', async () => {
  await using server = new Watched();
  server.change(deployments, deployment('web'));
  server.change(deployments, deployment('api', 1));
  const { told, options } = telling();
  const found: string[] = [];
  const waiting = allReady(await server.access(), [deployment('web'), deployment('api')], {
    ...options,
    watch: async (lacking) => {
      await until(() => told.awaited !== '');
      found.push(...lacking().map(({ title, lacks }) => `${title}: ${lacks}`));
      throw new Error('its image is not there');
    },
  });
  await expect(waiting).rejects.toThrow('its image is not there');
  expect(found).toEqual(['Deployment shop/web: 0 of 1 replicas are ready']);
});
