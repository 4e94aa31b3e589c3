import { setTimeout as delay } from 'node:timers/promises';

import type { ClusterAccess } from '../cluster/provider.js';
import { silent, type Progress } from '../report/progress.js';
import { JestKubernetesError } from '../support/errors.js';
import { ApiError, openApi, type Api } from './api.js';
import { describeObject, type KubernetesObject } from './objects.js';

/** What this package makes in a cluster that is not its own carries it, with the cluster's name as value. */
export const ownerLabel = 'jest-kubernetes/cluster';

/** The object with the mark by which {@link removeOwned} finds it. */
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

/**
 * Deletes all objects of a cluster that carry the owner's mark, whoever made them, and waits until they are gone.
 * Namespaces go last, and take what is left in them along.
 * @returns what was deleted, in words
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED, with what is still there and the commands that delete it
 */
export async function removeOwned(
  access: ClusterAccess,
  {
    signal,
    progress = silent,
    limit = removalLimit,
  }: { signal?: AbortSignal; progress?: Progress; limit?: number } = {},
): Promise<string[]> {
  const api = openApi(access);
  const removed = (
    await Promise.all((await ownableKinds(api, signal)).map((kind) => listOwned(api, access, kind, signal)))
  )
    .flat()
    .sort((a, b) => Number(a.object.kind === 'Namespace') - Number(b.object.kind === 'Namespace'));
  for (const { path, object } of removed) {
    const options = `propagationPolicy=Background&gracePeriodSeconds=${grace}`;
    const remove = (what: string): Promise<unknown> =>
      api.request(`${what}?${options}`, { method: 'DELETE', signal });
    await unless(isGone, remove(path));
    if (object.kind === 'Namespace') await unless(isHidden, remove(`${path}/pods`));
  }
  await gone(api, access, removed, { signal, progress, deadline: performance.now() + limit });
  return removed.map(({ object }) => describeObject(object));
}

async function listOwned(
  api: Api,
  { name: cluster, context }: ClusterAccess,
  { base, apiVersion, kind, resource, namespaced }: OwnableKind,
  signal: AbortSignal | undefined,
): Promise<Removed[]> {
  const selector = `labelSelector=${encodeURIComponent(`${ownerLabel}=${cluster}`)}`;
  const list = (scope: string): Promise<{ items: KubernetesObject[] } | undefined> =>
    unless(isHidden, api.request(`${base}${scope}/${resource}?${selector}`, { signal }));
  // a user of one namespace alone sees what is in it
  const own = api.config.getContextObject(context)?.namespace ?? 'default';
  const found = (await list('')) ?? (namespaced ? await list(`/namespaces/${own}`) : undefined);
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

async function gone(
  api: Api,
  { name, context }: ClusterAccess,
  removed: readonly Removed[],
  { signal, progress, deadline }: { signal: AbortSignal | undefined; progress: Progress; deadline: number },
): Promise<void> {
  let left = removed;
  for (;;) {
    const states = await Promise.all(
      left.map(async (each) => ({
        each,
        state: await unless(isGone, api.request<Terminating>(each.path, { signal })),
      })),
    );
    // one of another uid was made since, by somebody else
    const there = states.filter(({ each, state }) => state?.metadata.uid === each.object.metadata.uid);
    if (there.length === 0) return;
    left = there.map(({ each }) => each);
    progress.waitingFor(`${left.map(({ object }) => describeObject(object)).join(', ')} to be gone`);
    if (performance.now() > deadline) {
      throw new JestKubernetesError(
        'CLUSTER_DELETE_FAILED',
        `What was set up in the cluster ${name} is not all gone`,
        {
          evidence: there.map(({ each, state }) => `left: ${describeObject(each.object)}${reasons(state)}`),
          remedy: left
            .map(({ resource, object: { metadata } }) => {
              const namespace = metadata.namespace === undefined ? '' : ` --namespace ${metadata.namespace}`;
              return `kubectl --context ${context}${namespace} delete ${resource} ${metadata.name}`;
            })
            .join('; '),
        },
      );
    }
    await delay(250, undefined, signal === undefined ? {} : { signal });
  }
}

interface Terminating {
  metadata: { uid?: string; finalizers?: string[] };
  status?: { conditions?: { status: string; message?: string }[] };
}

/** Why it is still there, as far as it says so itself. */
function reasons(state: Terminating | undefined): string {
  const { metadata: { finalizers = [] } = {}, status } = state ?? {};
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

/** Undefined where the API server's answer is one of these. */
async function unless<T>(expected: (status: number) => boolean, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && expected(error.status)) return undefined;
    throw error;
  }
}

const isGone = (status: number): boolean => status === 404;
/** A shared cluster's user may not see every kind; what they may not see, they have not made. */
const isHidden = (status: number): boolean => status === 403 || isGone(status);
/** An aggregated API whose server is down must not hold up the clean-up. */
const isDown = (status: number): boolean => status === 404 || status >= 500;
