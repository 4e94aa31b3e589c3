import type { CoreV1Event, V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node';

import { lastLines } from '../../support/lines.js';
import { millis, seenAt, timesSeen } from '../events.js';
import { type DiagnosisContext, isWell, type Snapshot, statusesOf } from '../snapshot.js';
import { thresholds } from './thresholds.js';

export const seconds = (ms: number) => `${String(Math.max(0, Math.round(ms / 1000)))} s`;
export const nameOf = (object: { metadata?: { name?: string } }) => object.metadata?.name ?? '';
export const present = (lines: readonly (string | undefined)[]) =>
  lines.filter((line) => line !== undefined && line !== '') as string[];
/** Pods that do not run as they should; one on its way out, or that another has taken the place of, is nobody's concern. */
export const illPods = (snapshot: Snapshot) =>
  snapshot.pods.filter(
    (pod) => !isWell(pod) && pod.metadata?.deletionTimestamp === undefined && !isMadeGood(snapshot, pod),
  );

export const controllerOf = ({ metadata }: V1Pod) =>
  metadata?.ownerReferences?.find(({ controller }) => controller);
export const jobOf = ({ jobs = [] }: Snapshot, pod: V1Pod) =>
  jobs.find(({ metadata }) => metadata?.uid !== undefined && metadata.uid === controllerOf(pod)?.uid);

export const hasCondition = (job: V1Job | undefined, ...types: string[]) =>
  job?.status?.conditions?.some(({ type, status }) => types.includes(type) && status === 'True') ?? false;

/** One that has failed for good, where what made it has got there with a later one. */
function isMadeGood(snapshot: Snapshot, pod: V1Pod): boolean {
  if (pod.status?.phase !== 'Failed') return false;
  const controller = controllerOf(pod);
  if (controller === undefined) return false;
  return (
    hasCondition(jobOf(snapshot, pod), 'Complete', 'SuccessCriteriaMet') ||
    snapshot.pods.some(
      (other) =>
        controllerOf(other)?.uid === controller.uid &&
        isWell(other) &&
        millis(other.metadata?.creationTimestamp) >= millis(pod.metadata?.creationTimestamp),
    )
  );
}

export interface Subject {
  pod: V1Pod;
  status: V1ContainerStatus;
}

export const containersOf = (pod: V1Pod): Subject[] => statusesOf(pod).map((status) => ({ pod, status }));

/** The containers of those pods that are not ready, in the order in which they start. */
export const illContainers = (snapshot: Snapshot): Subject[] =>
  illPods(snapshot)
    .flatMap(containersOf)
    .filter(({ status }) => !status.ready && status.state?.terminated?.exitCode !== 0);

export const specOf = ({ pod, status }: Subject) =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
    ({ name }) => name === status.name,
  );
export const imageOf = (subject: Subject) => specOf(subject)?.image ?? subject.status.image;
export const called = ({ pod, status }: Subject) =>
  nameOf(pod) === status.name ? `pod ${nameOf(pod)}` : `container ${status.name} of pod ${nameOf(pod)}`;

/** The events of one object, newest first. */
export const eventsOf = (snapshot: Snapshot, object: { metadata?: { name?: string; uid?: string } }) =>
  snapshot.events
    .filter(
      ({ involvedObject }) =>
        involvedObject.name === object.metadata?.name &&
        (involvedObject.uid === undefined || involvedObject.uid === object.metadata?.uid),
    )
    .sort((a, b) => seenAt(b) - seenAt(a));

export const eventLine = (snapshot: Snapshot, event: CoreV1Event) =>
  `event ${event.reason ?? ''}${timesSeen(event) > 1 ? ` (${String(timesSeen(event))} times)` : ''}, ` +
  `${seconds(snapshot.takenAt - seenAt(event))} ago: ${(event.message ?? '').trim()}`;

/** Whether something was seen after what may have healed since. */
export const isSince = (time: number, { since = 0 }: DiagnosisContext) => time + thresholds.clockMs > since;
export const isFresh = (event: CoreV1Event, context: DiagnosisContext) => isSince(seenAt(event), context);

export const logsOf = (snapshot: Snapshot, { pod, status }: Subject) =>
  snapshot.logs.filter(
    (log) =>
      log.pod === nameOf(pod) &&
      log.container === status.name &&
      log.namespace === (pod.metadata?.namespace ?? ''),
  );
/** The log of the life that failed: that of the present one while it is new is empty. */
export const tailOf = (snapshot: Snapshot, subject: Subject, count: number) => {
  const logs = logsOf(snapshot, subject);
  const died = subject.status.state?.terminated !== undefined;
  const log = logs.find(({ previous }) => previous !== died) ?? logs[0];
  return log ? lastLines(log.text, count).map((line) => `log: ${line}`) : [];
};

/** How a container's last life ended, whether it has another one since or not. */
export const endOf = ({ status }: Subject) => status.state?.terminated ?? status.lastState?.terminated;

export function firstOf<S, T>(subjects: readonly S[], find: (subject: S) => T | undefined): T | undefined {
  for (const subject of subjects) {
    const found = find(subject);
    if (found !== undefined) return found;
  }
  return undefined;
}
