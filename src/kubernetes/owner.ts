import type { KubernetesObject } from './objects.js';

/** Who made an object in a cluster that others use too. */
export interface Owner {
  /** The cluster's name in its configuration: what a reader calls it. */
  name: string;
  /** Of this life of what is set up there: runs of one name that do not meet have others. */
  id: string;
}

/** By which an owner's objects are found; its value is the owner's id. */
export const ownerLabel = 'jest-kubernetes/owner';
const nameLabel = 'jest-kubernetes/cluster';

/** The labels of what an owner makes. */
export const marksOf = ({ name, id }: Owner): Record<string, string> => ({
  [ownerLabel]: id,
  [nameLabel]: name,
});

/** The object with its owner's mark, and with it what its controller makes and leaves behind. */
export function owned<T extends KubernetesObject>(object: T, owner: Owner): T {
  const marked = withMarks(object, owner);
  const claims = claimTemplates(object);
  if (claims === undefined) return marked;
  const volumeClaimTemplates = claims.map((claim) => withMarks(claim, owner));
  return { ...marked, spec: { ...(object['spec'] as object), volumeClaimTemplates } };
}

function withMarks<T extends { metadata?: Partial<KubernetesObject['metadata']> }>(
  object: T,
  owner: Owner,
): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata?.labels, ...marksOf(owner) } } };
}

/** A StatefulSet's volumes outlast it. */
function claimTemplates({ kind, spec }: KubernetesObject): { metadata?: object }[] | undefined {
  if (kind !== 'StatefulSet') return undefined;
  return (spec as { volumeClaimTemplates?: { metadata?: object }[] } | undefined)?.volumeClaimTemplates;
}

/** The id of the owner that an object's mark names; undefined where it has none. */
export const ownerOf = ({ metadata }: KubernetesObject): string | undefined => metadata.labels?.[ownerLabel];

/** As a reader is told of it. */
export const describeMark = ({ metadata: { labels = {} } }: KubernetesObject): string =>
  `${labels[nameLabel] ?? 'another set-up'} (${ownerLabel}: ${labels[ownerLabel] ?? ''})`;
