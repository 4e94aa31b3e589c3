import type { V1Pod } from '@kubernetes/client-node';

import type { KubernetesObject } from '../kubernetes/index.js';
import type { Located } from './target.js';

/** Which pods an object's fate hangs on. */
export interface PodsOf {
  /** A label selector; undefined for all of the namespace. */
  selector: string | undefined;
  concerns: (pod: V1Pod) => boolean;
}

interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

const expressions: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** A label selector as a query takes it; undefined for one that selects nothing. */
export function selectorText(selector: LabelSelector): string | undefined {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const parts = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(
      ({ key, operator, values = [] }) => expressions[operator]?.(key, values.join(',')) ?? key,
    ),
  ];
  return parts.length === 0 ? undefined : parts.join(',');
}

const everyPod = (): boolean => true;

/** By the object's own selector, its name, or as their owner; undefined where it has none that are known of. */
export function podsOf(located: Located, object: KubernetesObject | undefined): PodsOf | undefined {
  const { kind, name } = located;
  if (kind === 'Pod') {
    if (name === undefined) return { selector: located.selector, concerns: everyPod };
    return { selector: undefined, concerns: ({ metadata }) => metadata?.name === name };
  }
  if (object === undefined) return undefined;
  const { selector } = (object['spec'] ?? {}) as { selector?: LabelSelector & Record<string, string> };
  const isService = object.apiVersion === 'v1' && kind === 'Service';
  const text = selector && selectorText(isService ? { matchLabels: selector } : selector);
  if (text !== undefined) return { selector: text, concerns: everyPod };
  const { uid } = object.metadata;
  return {
    selector: undefined,
    concerns: ({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true,
  };
}
