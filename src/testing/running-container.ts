import { containersOf, containerStatus, defaultContainer, isReady, type Pod } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { podsNow, podsOf, type PodsOfTarget } from './pods-of.js';
import type { Scope } from './scope.js';
import type { Target } from './target.js';

/** A container by its place. */
export interface ContainerPlace {
  namespace: string;
  pod: string;
  container: string;
}

/** Where something can be run. */
export interface RunningContainer extends ContainerPlace {
  /** Which life of it: a pod of the same name is another, and so is a container that was started again. */
  run: { pod: string; restarts: number };
}

/** For a reader: `the container web of Pod shop/web-1`. */
export const describeContainer = ({ namespace, pod, container }: ContainerPlace): string =>
  `the container ${container} of Pod ${namespace}/${pod}`;

export interface ContainerOptions {
  /** Default: the one that the annotation `kubectl.kubernetes.io/default-container` names, else the pod's first. */
  container?: string | undefined;
  /** For a target that names none itself. Default: the test's own. */
  namespace?: string | undefined;
}

/**
 * A container that runs: of several pods in one that is ready, the youngest first.
 * @throws JestKubernetesError POD_NOT_READY where none runs; TARGET_INVALID where there is no such pod, or container
 */
export async function runningContainer(
  target: Target,
  { container, namespace, scope }: ContainerOptions & { scope: Scope },
): Promise<RunningContainer> {
  const pods = await podsOf(target, { namespace, scope });
  const there = await podsNow(pods, scope.signal);
  requireContainer(pods, there, container);
  const running = there
    .map((pod) => ({ pod, container: container ?? defaultContainer(pod) }))
    .filter((each) => containerStatus(each.pod, each.container)?.state?.running !== undefined)
    .sort((a, b) => byPreference(a.pod, b.pod));
  const found = running.find(({ pod }) => pod.metadata.deletionTimestamp === undefined) ?? running[0];
  if (found === undefined) throw noneRuns(pods, there, container);
  const { name, uid } = found.pod.metadata;
  const { restartCount = 0 } = containerStatus(found.pod, found.container) ?? {};
  return {
    ...{ namespace: pods.namespace, pod: name, container: found.container },
    run: { pod: uid, restarts: restartCount },
  };
}

/** Of pods that are alike, made in the same second, their order stays: each call is to find the same one. */
const byPreference = (a: Pod, b: Pod): number =>
  Number(isReady(b)) - Number(isReady(a)) || madeAt(b) - madeAt(a);

const madeAt = ({ metadata }: Pod): number => Date.parse(metadata.creationTimestamp);

/** @throws JestKubernetesError TARGET_INVALID where none of the pods has such a container */
export function requireContainer(
  { what }: PodsOfTarget,
  pods: readonly Pod[],
  container: string | undefined,
): void {
  if (container === undefined || pods.length === 0) return;
  const names = new Set(pods.flatMap((pod) => containersOf(pod).map(({ name }) => name)));
  if (names.has(container)) return;
  throw new JestKubernetesError('TARGET_INVALID', `${what} has no container ‘${container}’`, {
    evidence: [`it has ${[...names].join(', ')}`],
  });
}

function noneRuns({ what }: PodsOfTarget, pods: readonly Pod[], container?: string): JestKubernetesError {
  const message =
    pods.length === 0
      ? `${what} has no pods`
      : `No pod of ${what} runs ${container === undefined ? '' : `its container ‘${container}’ `}now`;
  return new JestKubernetesError('POD_NOT_READY', message, {
    evidence: pods.map((pod) => describePod(pod, container ?? defaultContainer(pod))),
    remedy: 'Wait for it before: await waitFor(…, ready)',
  });
}

/** `web-1 is Pending: its container web waits (ImagePullBackOff): Back-off pulling image "web:1"`. */
function describePod(pod: Pod, container: string): string {
  const { waiting, terminated } = containerStatus(pod, container)?.state ?? {};
  const state =
    waiting === undefined
      ? terminated && `its container ${container} has ended with exit code ${terminated.exitCode}`
      : `its container ${container} waits (${waiting.reason ?? 'for a reason not told'})${waiting.message ? `: ${waiting.message}` : ''}`;
  const phase = pod.metadata.deletionTimestamp === undefined ? pod.status?.phase : 'being deleted';
  return `${pod.metadata.name} is ${phase ?? 'Pending'}${state === undefined ? '' : `: ${state}`}`;
}
