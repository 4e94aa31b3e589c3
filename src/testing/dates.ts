import { isCustom, type KubernetesObject } from '../kubernetes/index.js';

/** Fields of a person's own, in which text stays text. */
const open = new Set(['labels', 'annotations', 'data', 'stringData', 'matchLabels', 'nodeSelector']);
const isTimeField = /(?:[tT]ime|Timestamp|At)$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

function revived(value: unknown, field: string): unknown {
  if (typeof value === 'string') return isTimeField.test(field) && time.test(value) ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((each) => revived(each, ''));
  if (typeof value !== 'object' || value === null || open.has(field)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revived(each, key)]));
}

/**
 * The object with times as `Date`, as `@kubernetes/client-node` has them and takes them back: of Kubernetes' own kinds all
 * of them, of a custom resource those of its metadata, since the rest is its own.
 */
export function withDates(object: KubernetesObject): KubernetesObject {
  const metadata = revived(object.metadata, '') as KubernetesObject['metadata'];
  if (isCustom(object)) return { ...object, metadata };
  const parts = Object.entries(object).map(([key, value]) => [key, revived(value, key)] as const);
  return { ...(Object.fromEntries(parts) as unknown as KubernetesObject), metadata };
}
