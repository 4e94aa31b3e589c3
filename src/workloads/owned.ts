import type { ClusterAccess } from '../cluster/provider.js';
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

/**
 * Deletes all objects of a cluster that carry the owner's mark, whoever made them. Namespaces go last, and take what
 * is left in them along.
 * @returns what was deleted, in words
 */
export async function removeOwned(access: ClusterAccess, signal?: AbortSignal): Promise<string[]> {
  const api = openApi(access);
  const selector = `labelSelector=${encodeURIComponent(`${ownerLabel}=${access.name}`)}`;
  const collections = await ownableCollections(api, signal);
  const removed: string[] = [];
  for (const { path, kind, apiVersion } of collections) {
    const { items } = await api.request<{ items: KubernetesObject[] }>(`${path}?${selector}`, { signal });
    for (const item of items) {
      const { namespace, name } = item.metadata;
      const [group, resource] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
      const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
      await unless404(
        api.request(`${group}${scope}/${resource}/${name}?propagationPolicy=Background`, {
          method: 'DELETE',
          signal,
        }),
      );
      removed.push(describeObject({ ...item, apiVersion, kind }));
    }
  }
  return removed;
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
