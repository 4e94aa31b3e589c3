import { type LabelSelector, type Pod, readPods, selectorText } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { cluster } from './cluster.js';
import { notThere, read, refusal } from './refusal.js';
import type { Scope } from './scope.js';
import { describeTarget, locate, type Located, pathOf, type Target, traceOf } from './target.js';

/** Where the pods of a target are: one by its name, or those that a label selector names. */
export interface PodsOfTarget {
  readonly located: Located;
  /** For a reader. */
  readonly what: string;
  readonly namespace: string;
  readonly pod: string | undefined;
  readonly selector: string | undefined;
}

/** What is read of an object that has pods. */
interface Selecting {
  spec?: { selector?: LabelSelector | Record<string, string> };
  status?: { selector?: string };
}

/**
 * The pods of a target: itself, or those that it selects, as a workload and a service do.
 * @throws JestKubernetesError TARGET_INVALID where it is not there, or has no pods; FORBIDDEN
 */
export async function podsOf(
  target: Target,
  { namespace, scope }: { namespace: string | undefined; scope: Scope },
): Promise<PodsOfTarget> {
  const { signal } = scope;
  const located = await locate(target, { namespace, signal });
  const what = describeTarget(located);
  scope.traces.push(traceOf(located));
  if (located.apiVersion === 'v1' && located.kind === 'Pod') {
    const { name, selector, namespace: where = '' } = located;
    return { ...{ located, what, namespace: where, pod: name, selector } };
  }
  const object = await read<Selecting>(cluster().api, pathOf(located), located, signal);
  const selector = selectorOf(object);
  if (selector === '' || located.namespace === undefined) {
    throw new JestKubernetesError('TARGET_INVALID', `${what} selects no pods`, {
      remedy: 'Name a pod, or a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or Service.',
    });
  }
  return { ...{ located, what, namespace: located.namespace, pod: undefined, selector } };
}

/** Empty where it has none. */
function selectorOf({ spec, status }: Selecting): string {
  const { selector } = spec ?? {};
  if (selector === undefined) return status?.selector ?? '';
  const isSelector = 'matchLabels' in selector || 'matchExpressions' in selector;
  return selectorText(isSelector ? selector : { matchLabels: selector as Record<string, string> });
}

/**
 * The pods that are there now, those that are on their way out too, by their names.
 * @throws JestKubernetesError TARGET_INVALID where the one that was named is not there; FORBIDDEN
 */
export async function podsNow(pods: PodsOfTarget, signal: AbortSignal): Promise<Pod[]> {
  const { api } = cluster();
  let found: Pod[];
  try {
    found = await readPods(api, pods, signal);
  } catch (error) {
    throw refusal('TARGET_INVALID', `read the pods of ${pods.what}`, error);
  }
  if (found.length === 0 && pods.pod !== undefined) throw await notThere(api, pods.located, signal);
  return found;
}
