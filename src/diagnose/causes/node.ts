import type { V1Node } from '@kubernetes/client-node';

import { formatBytesInTenths } from '../../report/index.js';
import { millis } from '../events.js';
import type { Snapshot } from '../snapshot.js';
import type { Recognise } from './cause.js';
import { illPods, nameOf, present, seconds } from './reading.js';
import { thresholds } from './thresholds.js';

const conditionOf = (node: V1Node, wanted: string) =>
  node.status?.conditions?.find(({ type }) => type === wanted);
const isReady = (node: V1Node) => conditionOf(node, 'Ready')?.status === 'True';

/** The nodes that matter: those of the ill pods; every node while a pod has none, or there are no pods at all. */
function nodesConcerned(snapshot: Snapshot): V1Node[] {
  const ill = illPods(snapshot);
  const placed = ill.map((pod) => pod.spec?.nodeName);
  return snapshot.pods.length === 0 || placed.includes(undefined)
    ? [...snapshot.nodes]
    : snapshot.nodes.filter((node) => placed.includes(nameOf(node)));
}

export const nodeNotReady: Recognise = (snapshot) => {
  if (illPods(snapshot).length === 0 && snapshot.pods.length > 0) return undefined;
  const node = nodesConcerned(snapshot).find((each) => !isReady(each));
  // while one of several nodes is ready, an unscheduled pod has another reason
  const unscheduled = illPods(snapshot).every((pod) => pod.spec?.nodeName === undefined);
  if (!node || (unscheduled && snapshot.nodes.some(isReady))) return undefined;
  const condition = conditionOf(node, 'Ready');
  const age = snapshot.takenAt - millis(condition?.lastTransitionTime);
  const lost = condition?.status === 'Unknown';
  return {
    sentence: `node ${nameOf(node)} is not ready: ${condition?.message ?? 'it has reported nothing yet'}`,
    evidence: present([
      condition && `condition Ready is ${condition.status} for ${seconds(age)}: ${condition.reason ?? ''}`,
      ...(node.spec?.taints ?? []).map(({ key, effect }) => `taint ${key}:${effect}`),
    ]),
    remedy: lost
      ? `The node's kubelet is silent: see \`journalctl -u kubelet\` in the node, and the machine's memory and load.`
      : `A new node is not ready until its pod network is up; where it stays so, see the pods of kube-system.`,
    conclusive: lost && age > thresholds.nodeLostMs,
  };
};

/** What a node is short of, by the condition that says so, and what helps. */
const pressures = {
  DiskPressure: {
    shortOf: 'disk space',
    remedy: 'Free disk space of the container engine (`docker system prune`), then run again.',
  },
  MemoryPressure: {
    shortOf: 'memory',
    remedy: 'Give the container engine more memory, or run less at a time.',
  },
  PIDPressure: {
    shortOf: 'process ids',
    remedy: 'Run fewer processes on this machine at a time.',
  },
};

const nodePressure =
  (type: keyof typeof pressures): Recognise =>
  (snapshot) => {
    const node = nodesConcerned(snapshot).find((each) => conditionOf(each, type)?.status === 'True');
    if (!node || (illPods(snapshot).length === 0 && snapshot.pods.length > 0)) return undefined;
    const { message = '', lastTransitionTime } = conditionOf(node, type) ?? {};
    const { disk } = snapshot.host;
    const evicted = snapshot.pods.filter((pod) => pod.status?.reason === 'Evicted');
    return {
      sentence: `node ${nameOf(node)} is short of ${pressures[type].shortOf}`,
      evidence: present([
        `condition ${type} for ${seconds(snapshot.takenAt - millis(lastTransitionTime))}: ${message}`,
        ...evicted.map((pod) => `pod ${nameOf(pod)} was evicted: ${pod.status?.message ?? ''}`),
        type === 'DiskPressure' && disk
          ? `host: ${formatBytesInTenths(disk.freeBytes)} of ${formatBytesInTenths(disk.totalBytes)} free on ${disk.path}`
          : undefined,
      ]),
      remedy: pressures[type].remedy,
      conclusive: illPods(snapshot).length > 0,
    };
  };

export const diskPressure = nodePressure('DiskPressure');
export const memoryPressure = nodePressure('MemoryPressure');
export const pidPressure = nodePressure('PIDPressure');
