import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { parseAllDocuments } from 'yaml';

import { existingProvider, openCluster } from '../../../src/cluster/index.js';
import type { ClusterConfig, ServiceConfig } from '../../../src/config/index.js';
import {
  deleteOwned,
  type KubernetesObject,
  ManifestReading,
  ownerLabel,
} from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { Milestones, namespaceOf, type RunContext } from '../../../src/run/context.js';
import { WorkerEnvironment } from '../../../src/run/environment.js';
import { applyManifests, readManifests } from '../../../src/run/work/manifests.js';
import { waitForManifests } from '../../../src/run/work/readiness.js';
import { waitForServices } from '../../../src/run/work/services.js';
import { type FakeCluster, fakeCluster } from '../kubernetes/fake-cluster.js';

/* Services in a cluster that was there before, by a user who has the rights that the guide lists, and no other. */

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
const guide = readFileSync(path.join(__dirname, '../../../docs/guide/existing-clusters.md'), 'utf8');
const [role] = parseAllDocuments(/```yaml\n(apiVersion: rbac[^]*?)```/.exec(guide)?.[1] ?? '');
const { rules } = role?.toJSON() as { rules: Rule[] };

const verbs: Readonly<Record<string, string>> = { POST: 'create', PATCH: 'patch', DELETE: 'delete' };

/** As RBAC answers; what is not about a resource everybody may ask for. */
function mayNot(request: string): boolean {
  const [method = '', url = ''] = request.split(' ');
  const { pathname, searchParams } = new URL(url, 'http://here');
  const [, group = '', resource, name, inner] =
    /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/[^/]+(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    ) ?? [];
  if (resource === undefined) return false;
  const reading = name !== undefined ? 'get' : searchParams.has('watch') ? 'watch' : 'list';
  const verb = verbs[method] ?? reading;
  const what = inner === undefined ? resource : `${resource}/${inner}`;
  return !rules.some(
    (rule) => rule.apiGroups.includes(group) && rule.resources.includes(what) && rule.verbs.includes(verb),
  );
}

const redis: ServiceConfig = {
  ...{ name: 'redis', image: 'redis:8-alpine', port: 6379, ready: undefined, env: {}, args: [] },
  url: 'redis://{host}:{port}',
};

let cluster: FakeCluster;
let stateDir: string;
beforeEach(async () => {
  cluster = await fakeCluster('default');
  stateDir = mkdtempSync(path.join(tmpdir(), 'services-'));
});
afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(stateDir, { recursive: true });
});

/** What a controller does as soon as somebody asks: the pods run. */
function becomesReady(namespace: string): void {
  if (!cluster.names().includes(`Deployment ${namespace}/redis`)) return;
  cluster.meanwhile = () => undefined;
  const one = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  const conditions = [{ type: 'Available', status: 'True' }];
  cluster.put({
    ...structuredClone(cluster.get(`Deployment ${namespace}/redis`)),
    status: { ...one, conditions },
  });
  const slice: KubernetesObject = {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    metadata: { name: 'redis-x', namespace, labels: { 'kubernetes.io/service-name': 'redis' } },
    endpoints: [{ conditions: { ready: true } }],
  };
  cluster.put(slice);
}

test('they carry the set-up’s mark, are reached, and go by it, with the rights of the guide alone', async () => {
  const owner = { id: 'f5e6366d', cluster: 'shop-1' };
  const { access } = cluster;
  const namespace = namespaceOf({ owner });
  const signal = AbortSignal.timeout(4000);
  const lease = openCluster({
    ...{ stateDir, name: 'shop-1', runId: owner.id, signal },
    deleteCluster: async () => {
      await deleteOwned(access, owner);
    },
  });
  await lease.acquire({
    made: {},
    removal: { provider: 'existing', name: 'shop-1', runtime: null },
    keep: 'never',
  });
  await lease.ready(access);
  const milestones = new Milestones();
  milestones.api.reach(access);
  milestones.ready.reach(access);
  const env: NodeJS.ProcessEnv = {};
  const run = {
    config: { services: [redis], manifests: [], cluster: { conflicts: 'refuse' }, postgres: undefined },
    ...{ lease, milestones, env, owner, closing: [] as (() => Promise<void>)[] },
    environment: new WorkerEnvironment(env),
    provider: existingProvider({
      cluster: { name: 'shop-1' } as ClusterConfig,
      directory: stateDir,
      runtime: () => Promise.reject(new Error('nothing is asked of an engine')),
    }),
    reading: new ManifestReading([]),
  } as unknown as RunContext;
  cluster.forbidden = mayNot;
  cluster.meanwhile = () => {
    becomesReady(namespace);
  };
  const step = { signal, progress: silent };
  await readManifests(run, step);
  expect(await applyManifests(run, step)).toBe('3 objects');
  expect(await waitForManifests(run, step)).toBe('1 of them');
  await waitForServices(run, step);
  for (const name of [
    `Namespace ${namespace}`,
    `Service ${namespace}/redis`,
    `Deployment ${namespace}/redis`,
  ])
    expect(cluster.get(name).metadata.labels).toMatchObject({ [ownerLabel]: owner.id });
  expect(env['REDIS_URL']).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
  for (const close of run.closing) await close();
  expect(await lease.release()).toBe('deleted');
  expect(cluster.names()).toEqual([]);
});
