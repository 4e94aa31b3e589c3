import type { KubernetesObject } from './objects.js';

/**
 * Who made an object in a cluster that was there before: one life of what runs of one name share. Whatever else has that
 * name, at another time, in another namespace or on another machine, is another owner.
 */
export interface Owner {
  /** Of that life alone; empty where it is not known any more. */
  id: string;
  /** The name of what is shared, for a reader. */
  cluster: string;
}

/** By which an owner's objects are found again. */
export const ownerLabel = 'jest-kubernetes/owner';
/** Tells a reader whose they are. */
export const clusterLabel = 'jest-kubernetes/cluster';

/** An object with its owner's mark: to be created with it, never to be put on what was there before. */
export function owned<T extends KubernetesObject>(object: T, owner: Owner): T {
  const marked = withMark(object, owner);
  const { spec } = object as { spec?: { volumeClaimTemplates?: Partial<KubernetesObject>[] } };
  if (object.kind !== 'StatefulSet' || !Array.isArray(spec?.volumeClaimTemplates)) return marked;
  // the claims that are made from them outlast the StatefulSet
  const volumeClaimTemplates = spec.volumeClaimTemplates.map((template) => withMark(template, owner));
  return { ...marked, spec: { ...spec, volumeClaimTemplates } };
}

const withMark = <T extends Partial<KubernetesObject>>(object: T, { id, cluster }: Owner): T => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata?.labels, [ownerLabel]: id, [clusterLabel]: cluster },
  },
});

/** Whose an object is; undefined where it carries nobody's mark. */
export function ownerOf({ metadata: { labels = {} } }: KubernetesObject): Owner | undefined {
  const { [ownerLabel]: id, [clusterLabel]: cluster = '' } = labels;
  return id === undefined ? undefined : { id, cluster };
}

export const isOwnedBy = (object: KubernetesObject, { id }: Owner): boolean => ownerOf(object)?.id === id;
