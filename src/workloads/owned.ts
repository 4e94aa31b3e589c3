import { setTimeout as delay } from 'node:timers/promises';

import type { ClusterAccess } from '../cluster/provider.js';
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
  verbs: string[];
}

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
  { signal, limit = removalLimit }: { signal?: AbortSignal; limit?: number } = {},
): Promise<string[]> {
  const api = openApi(access);
  const selector = `labelSelector=${encodeURIComponent(`${ownerLabel}=${access.name}`)}`;
  const collections = await ownableCollections(api, signal);
  const removed: Removed[] = [];
  for (const { path, kind, apiVersion } of collections) {
    const { items } = await api.request<{ items: KubernetesObject[] }>(`${path}?${selector}`, { signal });
    for (const item of items) {
      const { namespace, name } = item.metadata;
      const [group, resource] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
      const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
      const object = `${group}${scope}/${resource}/${name}`;
      await unless404(api.request(`${object}?propagationPolicy=Background`, { method: 'DELETE', signal }));
      removed.push({ path: object, resource, object: { ...item, apiVersion, kind } });
    }
  }
  await gone(api, access, removed, signal, performance.now() + limit);
  return removed.map(({ object }) => describeObject(object));
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
  signal: AbortSignal | undefined,
  deadline: number,
): Promise<void> {
  let left = removed;
  for (;;) {
    const states = await Promise.all(
      left.map(async (each) => ({
        each,
        state: await unless404(api.request<Terminating>(each.path, { signal })),
      })),
    );
    const there = states.filter(({ state }) => state !== undefined);
    if (there.length === 0) return;
    left = there.map(({ each }) => each);
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
  metadata: { finalizers?: string[] };
  status?: { conditions?: { status: string; message?: string }[] };
}

/** Why it is still there, as far as it says so itself. */
function reasons(state: Terminating | undefined): string {
  const { metadata: { finalizers = [] } = {}, status } = state ?? {};
  const told = (status?.conditions ?? [])
    .filter((each) => each.status === 'True')
    .map(({ message = '' }) => message);
  const all = [...(finalizers.length > 0 ? [`finalizers ${finalizers.join(', ')}`] : []), ...told];
  return all.length === 0 ? '' : ` (${all.join('; ')})`;
}

/** All kinds that can be listed and deleted, each at its preferred version. */
async function ownableCollections(
  api: Api,
  signal?: AbortSignal,
): Promise<{ path: string; kind: string; apiVersion: string }[]> {
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
      const answer = await unlessGone(api.request<{ resources: Resource[] }>(base, { signal }));
      return (answer?.resources ?? [])
        .filter(
          ({ name, verbs }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'),
        )
        .map(({ name, kind }) => ({ path: `${base}/${name}`, kind, apiVersion }));
    }),
  );
  return lists.flat().sort((a, b) => Number(a.kind === 'Namespace') - Number(b.kind === 'Namespace'));
}

async function unless404<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** An aggregated API whose server is down must not hold up the clean-up. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status >= 500)) return undefined;
    throw error;
  }
}
