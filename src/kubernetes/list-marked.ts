import { isHidden, unless } from './api-error.js';
import type { Api } from './client.js';
import { describeObject, isCustom, type KubernetesObject } from './objects.js';

/** An object that carries a mark, and where it is. */
export interface Marked {
  path: string;
  resource: string;
  object: KubernetesObject;
}

/**
 * All that carries a label, but what goes with its owner.
 * @param services - those that were found before; those that are found now are added
 */
export async function listMarked(
  api: Api,
  label: string,
  { signal, services = new Set() }: { signal: AbortSignal | undefined; services?: Set<string> },
): Promise<Marked[]> {
  const kinds = await ownableKinds(api, signal);
  const lists = await Promise.all(kinds.map((kind) => listOf(api, kind, label, signal)));
  const marked = lists.flat();
  for (const { object } of marked) if (object.kind === 'Service') services.add(describeObject(object));
  return marked.filter(({ object }) => {
    const { kind, metadata } = object;
    const ofService = kind === 'Endpoints' && services.has(describeObject({ ...object, kind: 'Service' }));
    // they copy the labels of what they belong to, and many who may delete that may not delete them
    return !ofService && metadata.ownerReferences?.some(({ controller }) => controller === true) !== true;
  });
}

async function listOf(
  api: Api,
  { base, apiVersion, kind, resource, namespaced }: OwnableKind,
  label: string,
  signal: AbortSignal | undefined,
): Promise<Marked[]> {
  const isUnseen = (status: number): boolean =>
    isHidden(status) || (isDown(status) && isCustom({ apiVersion }));
  const list = (scope: string): Promise<{ items: KubernetesObject[] } | undefined> =>
    unless(
      isUnseen,
      api.request(`${base}${scope}/${resource}?labelSelector=${encodeURIComponent(label)}`, { signal }),
    );
  // a user of one namespace alone sees what is in it
  const found = (await list('')) ?? (namespaced ? await list(`/namespaces/${api.namespace}`) : undefined);
  return (found?.items ?? []).map((item) => {
    const { namespace, name } = item.metadata;
    const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
    return { path: `${base}${scope}/${resource}/${name}`, resource, object: { ...item, apiVersion, kind } };
  });
}

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
}

interface OwnableKind {
  base: string;
  apiVersion: string;
  kind: string;
  resource: string;
  namespaced: boolean;
}

interface Version {
  groupVersion: string;
}

/** All kinds that can be listed and deleted, each at its group's preferred version, else at one that has it. */
async function ownableKinds(api: Api, signal?: AbortSignal): Promise<OwnableKind[]> {
  const { groups } = await api.request<{ groups: { preferredVersion: Version; versions: Version[] }[] }>(
    '/apis',
    { signal },
  );
  const served = groups.flatMap((group) => [group.preferredVersion, ...group.versions]);
  const versions = [...new Set(['v1', ...served.map(({ groupVersion }) => groupVersion)])];
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
  const byName = new Map<string, OwnableKind>();
  for (const kind of lists.flat()) {
    const name = `${kind.apiVersion.split('/').slice(0, -1).join()}/${kind.resource}`;
    if (!byName.has(name)) byName.set(name, kind);
  }
  return [...byName.values()];
}

/** An aggregated API whose server is down, or a definition's webhook, must not hold up the clean-up. */
const isDown = (status: number): boolean => status === 404 || status >= 500;
