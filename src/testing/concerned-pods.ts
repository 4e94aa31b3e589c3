import type { V1Pod } from '@kubernetes/client-node';

import { type KubernetesObject, type LabelSelector, selectorText } from '../kubernetes/index.js';
import type { Located } from './target.js';

/** Which pods an object's fate hangs on. */
export interface ConcernedPods {
  /** A label selector; undefined for all of the namespace. */
  selector: string | undefined;
  concerns: (pod: V1Pod) => boolean;
}

const everyPod = (): boolean => true;

/** By the object's own selector, its name, or as their owner; undefined where it has none that are known of. */
export function concernedPods(
  located: Located,
  object: KubernetesObject | undefined,
): ConcernedPods | undefined {
  const { kind, name } = located;
  if (kind === 'Pod') {
    if (name === undefined) return { selector: located.selector, concerns: everyPod };
    return { selector: undefined, concerns: ({ metadata }) => metadata?.name === name };
  }
  if (object === undefined) return undefined;
  const { selector } = (object['spec'] ?? {}) as { selector?: LabelSelector & Record<string, string> };
  const isService = object.apiVersion === 'v1' && kind === 'Service';
  const text = selector && selectorText(isService ? { matchLabels: selector } : selector);
  if (text !== undefined && text !== '') return { selector: text, concerns: everyPod };
  const { uid } = object.metadata;
  return {
    selector: undefined,
    concerns: ({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true,
  };
}
