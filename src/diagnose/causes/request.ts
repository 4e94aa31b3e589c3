import type { V1Pod } from '@kubernetes/client-node';

import { formatBytesInTenths } from '../../report/index.js';
import { timesSeen } from '../events.js';
import { formatCpus, parseQuantity } from '../quantity.js';
import type { Snapshot } from '../snapshot.js';
import type { Recognise } from './cause.js';
import { called, eventLine, eventsOf, firstOf, illContainers, illPods, isFresh, nameOf } from './reading.js';
import { thresholds } from './thresholds.js';

type Resource = 'memory' | 'cpu';

/** What a pod takes of a node: its containers together, or its largest init container. */
function requestOf(pod: V1Pod, resource: Resource): number {
  const of = (container: {
    resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  }) => parseQuantity(container.resources?.requests?.[resource] ?? container.resources?.limits?.[resource]);
  const together = (pod.spec?.containers ?? []).reduce((sum, container) => sum + of(container), 0);
  const largest = Math.max(0, ...(pod.spec?.initContainers ?? []).map(of));
  return Math.max(together, largest) + parseQuantity(pod.spec?.overhead?.[resource]);
}

const unscheduledPods = (snapshot: Snapshot) =>
  illPods(snapshot).flatMap((pod) => {
    const condition = pod.status?.conditions?.find(
      ({ type, status }) => type === 'PodScheduled' && status === 'False',
    );
    return condition ? [{ pod, message: condition.message ?? '' }] : [];
  });

const unschedulable =
  (resource: Resource, shortage: RegExp, show: (amount: number) => string, remedy: string): Recognise =>
  (snapshot) =>
    firstOf(unscheduledPods(snapshot), ({ pod, message }) => {
      const asked = requestOf(pod, resource);
      const nodes = snapshot.nodes.map((node) => {
        const total = parseQuantity(node.status?.allocatable?.[resource]);
        const others = snapshot.neighbours.filter(
          (other) =>
            other.spec?.nodeName === nameOf(node) &&
            !['Succeeded', 'Failed'].includes(other.status?.phase ?? ''),
        );
        const taken = others.reduce((sum, other) => sum + requestOf(other, resource), 0);
        return { name: nameOf(node), total, free: total - taken };
      });
      const never = nodes.length > 0 && nodes.every(({ total }) => total < asked);
      if (!never && !shortage.test(message)) return undefined;
      const largest = nodes.reduce((best, { total, free }) => Math.max(best, never ? total : free), 0);
      return {
        sentence: `pod ${nameOf(pod)} asks for ${show(asked)}${resource === 'memory' ? ' of memory' : ''}, and no node has that much: the largest node has ${show(largest)}${never ? ' in all' : ' left'}`,
        evidence: [
          `scheduler: ${message}`,
          ...nodes.map(
            ({ name, total, free }) =>
              `node ${name}: ${show(total)} in all, ${show(Math.max(0, free))} not yet asked for`,
          ),
        ],
        remedy,
        conclusive: never,
      };
    });

export const unschedulableMemory = unschedulable(
  'memory',
  /Insufficient memory/,
  formatBytesInTenths,
  `Ask for less (resources.requests.memory), or give the container engine more memory.`,
);

export const unschedulableCpu = unschedulable(
  'cpu',
  /Insufficient cpu/,
  formatCpus,
  `Ask for less (resources.requests.cpu), or give the container engine more CPUs.`,
);

/** The others: what the scheduler says is all that is known. */
export const otherwiseUnschedulable: Recognise = (snapshot) =>
  firstOf(unscheduledPods(snapshot), ({ pod, message }) => ({
    sentence: `no node takes pod ${nameOf(pod)}`,
    evidence: [`scheduler: ${message}`],
    remedy: `Compare the pod's nodeSelector, affinity and tolerations with the nodes' labels and taints.`,
    conclusive: false,
  }));

export const volumeNotBound: Recognise = (snapshot) => {
  const pod = illPods(snapshot).find((each) => each.status?.phase === 'Pending');
  if (!pod) return undefined;
  const wanted = new Set(
    illPods(snapshot).flatMap((each) =>
      each.spec?.volumes?.map((volume) => volume.persistentVolumeClaim?.claimName),
    ),
  );
  const claim = snapshot.claims.find((each) => wanted.has(nameOf(each)) && each.status?.phase === 'Pending');
  const classes = snapshot.storageClasses.map(nameOf).join(', ') || 'none';
  if (claim) {
    const wantedClass = claim.spec?.storageClassName;
    const missing =
      wantedClass !== undefined && !snapshot.storageClasses.some((each) => nameOf(each) === wantedClass);
    const events = eventsOf(snapshot, claim).filter(({ reason }) => reason !== 'WaitForFirstConsumer');
    // a claim that waits for its pod to be scheduled is as it should be
    if (!missing && events.length === 0) return undefined;
    return {
      sentence: missing
        ? `claim "${nameOf(claim)}" of pod ${nameOf(pod)} cannot be bound: there is no storage class "${wantedClass}"`
        : `claim "${nameOf(claim)}" of pod ${nameOf(pod)} is not bound to a volume`,
      evidence: [
        ...events.slice(0, 2).map((event) => eventLine(snapshot, event)),
        `storage classes: ${classes}`,
      ],
      remedy: missing
        ? `Name a storage class that exists, or none for the default one, in the claim's storageClassName.`
        : `See the claim's events for what its provisioner is missing.`,
      conclusive: missing && events.some(({ reason }) => reason === 'ProvisioningFailed'),
    };
  }
  const absent = unscheduledPods(snapshot).find(({ message }) =>
    /persistentvolumeclaim "[^"]+" not found/.test(message),
  );
  return (
    absent && {
      sentence: `pod ${nameOf(absent.pod)} uses a volume claim that does not exist`,
      evidence: [`scheduler: ${absent.message}`],
      remedy: 'Apply the claim, in the same namespace as the pod.',
      conclusive: false,
    }
  );
};

/** Of its own accord the kubelet asks again for these, which a new namespace, or a busy kubelet, lacks for a moment. */
const passing = new RegExp(
  [
    'kube-root-ca\\.crt',
    'failed to sync (?:secret|configmap) cache',
    'object "[^"]+"/"[^"]+" not registered',
    // it has only just started, or the API server does not know yet what the pod needs
    'services have not yet been read at least once',
    'no relationship found between node',
  ].join('|'),
);

export const misconfigured: Recognise = (snapshot, context) => {
  const remedy = `Apply what the pod refers to, in its own namespace and under that name.`;
  const byContainer = firstOf(illContainers(snapshot), (subject) => {
    const waiting = subject.status.state?.waiting;
    if (waiting?.reason !== 'CreateContainerConfigError') return undefined;
    const { message = '' } = waiting;
    const events = eventsOf(snapshot, subject.pod).filter((event) => event.message?.includes(message));
    const tries = events
      .filter((event) => isFresh(event, context))
      .reduce((sum, event) => sum + timesSeen(event), 0);
    return {
      sentence: `${called(subject)} cannot be made as it is configured: ${message}`,
      evidence: events.slice(0, 1).map((event) => eventLine(snapshot, event)),
      remedy,
      conclusive: tries >= thresholds.configurationTries && !passing.test(message),
    };
  });
  return (
    byContainer ??
    firstOf(illPods(snapshot), (pod) => {
      const event = eventsOf(snapshot, pod).find(
        ({ reason, message = '' }) =>
          reason === 'FailedMount' &&
          /(?:secret|configmap) "[^"]+" not found/.test(message) &&
          !passing.test(message),
      );
      if (!event || pod.status?.phase !== 'Pending') return undefined;
      const [what] = /(?:secret|configmap) "[^"]+" not found/.exec(event.message ?? '') ?? [];
      return {
        sentence: `pod ${nameOf(pod)} cannot mount a volume: ${what ?? ''}`,
        evidence: [eventLine(snapshot, event)],
        remedy,
        conclusive: isFresh(event, context) && timesSeen(event) >= thresholds.mountTries,
      };
    })
  );
};

export const volumeNotMounted: Recognise = (snapshot) =>
  firstOf(illPods(snapshot), (pod) => {
    const event = eventsOf(snapshot, pod).find(
      ({ reason, message = '' }) =>
        ['FailedMount', 'FailedAttachVolume'].includes(reason ?? '') && !passing.test(message),
    );
    if (!event || pod.status?.phase !== 'Pending') return undefined;
    return {
      sentence: `pod ${nameOf(pod)} waits for a volume that cannot be mounted`,
      evidence: [eventLine(snapshot, event)],
      remedy: `Compare the pod's volumes with what the node and the storage class offer.`,
      conclusive: false,
    };
  });
