import { type Progress, silent } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError } from '../support/errors.js';
import type { ClusterAccess } from './access.js';
import { isGone, isHidden, unless } from './api-error.js';
import { type Api, openApi } from './client.js';
import { describeObject, type KubernetesObject } from './objects.js';

/** What this package makes in a cluster that is not its own carries it, with the cluster's name as value. */
const ownerLabel = 'jest-kubernetes/cluster';

/** The object with the mark by which {@link deleteOwned} finds it. */
export function owned<T extends KubernetesObject>(object: T, cluster: string): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [ownerLabel]: cluster } } };
}

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
}

/** How long a pod may take to end by itself, in seconds; Kubernetes gives it 30, which a shell as its init uses up. */
const grace = 1;

/** How long what was deleted may take to be gone, in milliseconds; a namespace with a few pods takes some ten seconds. */
const removalLimit = 120_000;

/** How long an operator may take to let its resources go, in milliseconds, before it goes itself. */
const operatorLimit = 30_000;

interface RemoveOptions {
  signal?: AbortSignal;
  progress?: Progress;
  /** In milliseconds. Default: 2 minutes. */
  limit?: number;
}

/**
 * Deletes all objects of a cluster that carry the owner's mark, whoever made them, and waits until they are gone.
 * Custom resources go first, while the operator that has to let them go may still be there; then the namespaces with
 * their pods, in which nothing is made any more, so that no controller makes a pod anew, or ends it in its own time.
 * @returns what was deleted, in words
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED, with what is still there and the commands that delete it
 */
export async function deleteOwned(
  access: ClusterAccess,
  { signal, progress = silent, limit = removalLimit }: RemoveOptions = {},
): Promise<string[]> {
  const started = performance.now();
  using api = openApi(access);
  const kinds = await ownableKinds(api, signal);
  const objects = (await Promise.all(kinds.map((kind) => listOwned(api, access, kind, signal)))).flat();
  const within = (milliseconds: number): GoneOptions => ({
    signal,
    progress,
    deadline: started + Math.min(milliseconds, limit),
  });

  const [resources, others] = split(objects, ({ object }) => isCustom(object));
  await removeAll(api, resources, signal);
  const held = await gone(api, resources, within(operatorLimit));
  const [namespaces, rest] = split(others, ({ object }) => object.kind === 'Namespace');
  await removeAll(api, [...namespaces, ...rest], signal);
  const left = await gone(api, [...held, ...others], within(limit));

  if (left.length > 0) throw notGone(access, left);
  return objects.map(({ object }) => describeObject(object));
}

async function removeAll(
  api: Api,
  objects: readonly Removed[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { path, object } of objects) {
    const options = `propagationPolicy=Background&gracePeriodSeconds=${grace}`;
    const remove = (what: string): Promise<unknown> =>
      api.request(`${what}?${options}`, { method: 'DELETE', signal });
    await unless(isGone, remove(path));
    if (object.kind === 'Namespace') await unless(isHidden, remove(`${path}/pods`));
  }
}

function split<T>(all: readonly T[], isFirst: (each: T) => boolean): [first: T[], others: T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))];
}

/** Of a group that is not Kubernetes' own. */
function isCustom({ apiVersion }: KubernetesObject): boolean {
  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
  return group.includes('.') && !group.endsWith('.k8s.io');
}

async function listOwned(
  api: Api,
  { name: cluster }: ClusterAccess,
  { base, apiVersion, kind, resource, namespaced }: OwnableKind,
  signal: AbortSignal | undefined,
): Promise<Removed[]> {
  const selector = `labelSelector=${encodeURIComponent(`${ownerLabel}=${cluster}`)}`;
  const list = (scope: string): Promise<{ items: KubernetesObject[] } | undefined> =>
    unless(isHidden, api.request(`${base}${scope}/${resource}?${selector}`, { signal }));
  // a user of one namespace alone sees what is in it
  const found = (await list('')) ?? (namespaced ? await list(`/namespaces/${api.namespace}`) : undefined);
  return (found?.items ?? []).map((item) => {
    const { namespace, name } = item.metadata;
    const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
    return { path: `${base}${scope}/${resource}/${name}`, resource, object: { ...item, apiVersion, kind } };
  });
}

interface Removed {
  path: string;
  resource: string;
  object: KubernetesObject;
}

/** What is still there, as the API server gives it now. */
interface Left extends Removed {
  state: Terminating;
}

interface GoneOptions {
  signal: AbortSignal | undefined;
  progress: Progress;
  deadline: number;
}

/** Waits until objects that were deleted are gone. @returns those that are left at the deadline */
async function gone(
  api: Api,
  removed: readonly Removed[],
  { signal, progress, deadline }: GoneOptions,
): Promise<Left[]> {
  let waiting = removed;
  for (;;) {
    const states = await Promise.all(
      waiting.map(async (each) => {
        const state = await unless(isGone, api.request<Terminating>(each.path, { signal }));
        // one of another uid was made since, by somebody else
        const isGoneNow = state === undefined || state.metadata.uid !== each.object.metadata.uid;
        return isGoneNow ? [] : [{ ...each, state }];
      }),
    );
    const left = states.flat();
    if (left.length === 0 || performance.now() > deadline) return left;
    waiting = left;
    progress.waitingFor(`${left.map(({ object }) => describeObject(object)).join(', ')} to be gone`);
    await pause(250, signal);
  }
}

function notGone({ name, context }: ClusterAccess, left: readonly Left[]): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `What was set up in the cluster ${name} is not all gone`,
    {
      evidence: left.map(({ object, state }) => `left: ${describeObject(object)}${reasons(state)}`),
      remedy: left
        .map(({ resource, object: { metadata } }) => {
          const namespace = metadata.namespace === undefined ? '' : ` --namespace ${metadata.namespace}`;
          return `kubectl --context ${context}${namespace} delete ${resource} ${metadata.name}`;
        })
        .join('; '),
    },
  );
}

interface Terminating {
  metadata: { uid?: string; finalizers?: string[] };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

/** Why it is still there, as far as it says so itself. */
function reasons({ metadata: { finalizers = [] }, status }: Terminating): string {
  const told = (status?.conditions ?? [])
    .filter((each) => each.status === 'True')
    .map(({ message = '' }) => message);
  const held = finalizers.length > 0 ? `finalizers ${finalizers.join(', ')}` : '';
  const all = [held, ...told].filter((words) => words !== '');
  return all.length === 0 ? '' : ` (${all.join('; ')})`;
}

interface OwnableKind {
  base: string;
  apiVersion: string;
  kind: string;
  resource: string;
  namespaced: boolean;
}

/** All kinds that can be listed and deleted, each at its preferred version. */
async function ownableKinds(api: Api, signal?: AbortSignal): Promise<OwnableKind[]> {
  const { groups } = await api.request<{ groups: { preferredVersion: { groupVersion: string } }[] }>(
    '/apis',
    {
      signal,
    },
  );
  const versions = ['v1', ...groups.map((group) => group.preferredVersion.groupVersion)];
  const lists = await Promise.all(
    versions.map(async (apiVersion) => {
      const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
      const answer = await unless(isDown, api.request<{ resources: Resource[] }>(base, { signal }));
      return (answer?.resources ?? [])
        .filter(
          ({ name, verbs }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'),
        )
        .map(({ name, kind, namespaced }) => ({ base, apiVersion, kind, resource: name, namespaced }));
    }),
  );
  return lists.flat();
}

/** An aggregated API whose server is down must not hold up the clean-up. */
const isDown = (status: number): boolean => status === 404 || status >= 500;
