import type { Api } from './client.js';

/** A kind of objects that an API server has. */
export interface ServedKind {
  /** `apps/v1`, `v1`. */
  apiVersion: string;
  kind: string;
  /** The plural, as paths and rights name it. */
  resource: string;
  singular: string;
  shortNames: readonly string[];
  namespaced: boolean;
  /** Whether objects of it have a status that somebody is to write. */
  hasStatus: boolean;
}

/** What is read of an `APIGroupDiscoveryList` (Kubernetes 1.26 and newer). */
interface GroupList {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      resources?: {
        resource: string;
        responseKind?: { kind: string };
        scope: 'Namespaced' | 'Cluster';
        singularResource?: string;
        shortNames?: string[];
        subresources?: { subresource: string }[];
      }[];
    }[];
  }[];
}

const accept = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(', ');

/** All kinds that the server has, in its own order: core first, of a group the preferred version first. */
export async function discover(api: Api, signal?: AbortSignal): Promise<ServedKind[]> {
  const lists = await Promise.all(
    ['/api', '/apis'].map((path) => api.request<GroupList>(path, { accept, signal })),
  );
  return lists.flatMap(({ items = [] }) => items).flatMap(kindsOf);
}

type Group = NonNullable<GroupList['items']>[number];

function kindsOf({ metadata, versions = [] }: Group): ServedKind[] {
  const group = metadata?.name ?? '';
  return versions.flatMap(({ version, resources = [] }) =>
    resources.flatMap((each): ServedKind[] => {
      const {
        resource,
        responseKind,
        scope,
        singularResource = '',
        shortNames = [],
        subresources = [],
      } = each;
      if (responseKind === undefined) return [];
      return [
        {
          ...{
            apiVersion: group === '' ? version : `${group}/${version}`,
            kind: responseKind.kind,
            resource,
          },
          ...{ singular: singularResource, shortNames, namespaced: scope === 'Namespaced' },
          hasStatus: subresources.some(({ subresource }) => subresource === 'status'),
        },
      ];
    }),
  );
}
