import type {
  CoreV1Event,
  V1ContainerStatus,
  V1Job,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1StorageClass,
} from '@kubernetes/client-node';

import type { OwnedService } from './scope.js';

/** One container's last lines, of the life it is in or of the one before. */
export interface ContainerLog {
  namespace: string;
  pod: string;
  container: string;
  previous: boolean;
  text: string;
}

/** A layer that a node's containerd is downloading. */
export interface Download {
  node: string;
  /** containerd's own name for it, such as `layer-sha256:…`. */
  ref: string;
  bytes: number;
  totalBytes: number | undefined;
  /** Milliseconds since its last byte. */
  idleMs: number;
}

/** A node's container, as the engine sees it: it tells why an API server is silent. */
export interface NodeContainer {
  name: string;
  /** Docker's word: `running`, `paused`, `exited`, …; `missing` where there is none. */
  state: string;
  exitCode: number;
  oomKilled: boolean;
}

/** Who listens on one of the host's TCP ports. */
export interface PortOwner {
  port: number;
  address: string;
  /** Undefined where this user may not see it. */
  pid: number | undefined;
  command: string | undefined;
  /** The listening user's id, where known. */
  uid: number | undefined;
}

export interface HostFacts {
  platform: string;
  cpus: number;
  loadAverage: readonly number[];
  totalMemoryBytes: number;
  freeMemoryBytes: number;
  /** The file system that holds the engine's files, else the root. */
  disk: { path: string; totalBytes: number; freeBytes: number } | undefined;
  /** Of the ports asked for, those that somebody listens on. */
  ports: readonly PortOwner[];
}

/** What was seen at one moment: plain objects, so that a recorded one reads the same. */
export interface Snapshot {
  /** Milliseconds since the epoch, by the API server's clock, as its objects' times are; where it did not answer, by ours. */
  takenAt: number;
  /** How far the API server's clock is ahead of this machine's, in milliseconds. Default: 0. */
  clockAheadMs?: number;
  /** Whether the API server answered; undefined where there was none to ask. */
  api: { answers: boolean; error: string | undefined } | undefined;
  pods: readonly V1Pod[];
  events: readonly CoreV1Event[];
  nodes: readonly V1Node[];
  /** Every pod that takes room on a node, in any namespace; read only when a pod is unscheduled. */
  neighbours: readonly V1Pod[];
  claims: readonly V1PersistentVolumeClaim[];
  storageClasses: readonly V1StorageClass[];
  /** Read only when a pod of one is not well. */
  jobs?: readonly V1Job[];
  /** Services whose selector names no pod that is there. */
  services?: readonly OwnedService[];
  /** Without secrets. */
  logs: readonly ContainerLog[];
  /** What the namespaces of these logs hold in Secrets: no cause tells it. */
  secrets?: readonly string[];
  downloads: readonly Download[];
  containers: readonly NodeContainer[];
  host: HostFacts;
  /** What could not be read, and why. */
  unseen: readonly string[];
}

/** What a run knows of itself that a cluster does not show. */
export interface DiagnosisContext {
  /** The run is still streaming the image into the nodes: its absence is no cause yet. */
  imageComing?: boolean;
  /**
   * What was seen before this moment (milliseconds since the epoch, by this machine's clock) may have healed since: it
   * concludes nothing.
   */
  since?: number;
  /** After how many restarts a crash loop is conclusive. Default: 3, as a service may crash until its database is up. */
  restarts?: number;
  /** The text of a failure that a program printed, such as kind's last lines. */
  failure?: string;
  /** Where the engine publishes ports, if that is another machine: who has them there cannot be seen from here. */
  engineHost?: string | undefined;
  /** For how long the API server has been silent, in milliseconds. */
  apiSilentMs?: number;
}

/** Whether its containers have all run and reported ready. */
export function isWell(pod: V1Pod): boolean {
  if (pod.status?.phase === 'Succeeded') return true;
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The states of its containers, in the order in which they start. */
export function statusesOf(pod: V1Pod): V1ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}
