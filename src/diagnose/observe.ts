import type {
  CoreV1Event,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1StorageClass,
} from '@kubernetes/client-node';

import { type Api, ApiError, type ClusterAccess, openApi } from '../kubernetes/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { causeOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { downloadsIn, inspectContainers } from './engine.js';
import { observeHost } from './host.js';
import { type ContainerLog, isWell, type Snapshot } from './snapshot.js';

/** How long one question to the API server, or to the engine, may take. */
const QUESTION_MS = 5_000;
const LOG_LINES = 50;
const LOG_BYTES = 256 * 1024;

export interface ObserveOptions {
  /** Without it, only the host and the engine are looked at. */
  access?: ClusterAccess | undefined;
  /** Undefined is every namespace. */
  namespace?: string | undefined;
  /** A label selector; undefined is every pod. */
  selector?: string | undefined;
  /** Which of those pods it is about. Default: all. */
  concerns?: ((pod: V1Pod) => boolean) | undefined;
  /** With it, the nodes' containers are looked at too. */
  engine?: { runtime: ContainerRuntime; containers: readonly string[] } | undefined;
  /** What a node downloads, at the cost of a command in each. Default: true. */
  downloads?: boolean;
  /** The host's ports that the run wants. */
  ports?: readonly number[];
  /** For each question, in milliseconds. Default: 5000. */
  timeout?: number;
  signal?: AbortSignal;
}

/** Whoever asks looks again by itself, and one that does not answer is itself something seen. */
export const questions = { limit: QUESTION_MS, retry: false };

/** The API server's answer with a status is an answer, even if it is a refusal; 5xx is not. */
const isRefusal = (error: unknown) => error instanceof ApiError && error.status < 500;

/** The innermost message, in a line. */
export const reasonOf = (error: unknown) => firstLine(causeOf(error));

const statusesOf = (pod: V1Pod) => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
];

/** The logs of a pod's containers, as far as they can be had: those of this life and of the one before. */
export async function readLogs(
  api: Api,
  pod: V1Pod,
  { lines = LOG_LINES, bytes = LOG_BYTES }: { lines?: number; bytes?: number } = {},
): Promise<ContainerLog[]> {
  const name = pod.metadata?.name ?? '';
  const namespace = pod.metadata?.namespace ?? '';
  const wanted = statusesOf(pod).flatMap((status) => [
    ...(status.state?.running !== undefined || status.state?.terminated !== undefined
      ? [{ container: status.name, previous: false }]
      : []),
    ...(status.lastState?.terminated ? [{ container: status.name, previous: true }] : []),
  ]);
  const read = wanted.map(async ({ container, previous }): Promise<ContainerLog[]> => {
    const question = Object.entries({ container, previous, tailLines: lines, limitBytes: bytes });
    const query = question.map(([key, value]) => `${key}=${String(value)}`).join('&');
    // the kubelet may have removed a previous life's log, or be gone: what is left still tells
    const text = await api.text(`/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`).catch(() => '');
    return text && !text.startsWith('unable to retrieve container logs')
      ? [{ namespace, pod: name, container, previous, text }]
      : [];
  });
  return (await Promise.all(read)).flat();
}

const hasCrashed = (pod: V1Pod) =>
  statusesOf(pod).some(({ lastState }) => (lastState?.terminated?.exitCode ?? 0) !== 0);
const isUnscheduled = (pod: V1Pod) => pod.status?.phase === 'Pending' && !pod.spec?.nodeName;
/** Starting, or not yet heard of: a pull shows in neither. */
const mayPull = (pod: V1Pod) => pod.status?.phase === 'Pending' && pod.spec?.nodeName !== undefined;
const usesClaim = (pod: V1Pod) => pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim) ?? false;

/**
 * Looks at a namespace, its nodes, and the host, each part bounded in time. An
 * API server that does not answer is itself something seen. Rejects only when
 * the signal is aborted.
 */
export async function observe(options: ObserveOptions): Promise<Snapshot> {
  const { access, signal, engine, ports = [], downloads: wanted = true } = options;
  const unseen: string[] = [];
  const [cluster, host] = await Promise.all([
    access ? observeCluster(access, options, unseen) : nothing,
    observeHost(ports, signal),
  ]);
  const silent = cluster.api?.answers === false;
  const containers = engine && (silent || !access) ? await inspectContainers(engine, signal) : [];
  const downloads = engine && wanted && cluster.pods.some(mayPull) ? await downloadsIn(engine, signal) : [];
  signal?.throwIfAborted();
  return { takenAt: Date.now(), ...cluster, containers, downloads, host, unseen };
}

type ClusterPart = Omit<Snapshot, 'takenAt' | 'containers' | 'downloads' | 'host' | 'unseen'>;

const nothing: ClusterPart = {
  api: undefined,
  pods: [],
  events: [],
  nodes: [],
  neighbours: [],
  claims: [],
  storageClasses: [],
  logs: [],
};

async function observeCluster(
  access: ClusterAccess,
  options: ObserveOptions,
  unseen: string[],
): Promise<ClusterPart> {
  const { namespace, selector, concerns = () => true, timeout: limit = QUESTION_MS, signal } = options;
  using api = openApi(access, { ...questions, limit, signal });
  const scope = namespace === undefined ? '/api/v1' : `/api/v1/namespaces/${namespace}`;

  let silence: string | undefined;
  /** One part of the picture: empty, with a note, where it cannot be read. */
  async function part<T>(name: string, path: string): Promise<T[]> {
    try {
      return (await api.request<{ items: T[] }>(path)).items;
    } catch (error) {
      if (!isRefusal(error)) silence ??= reasonOf(error);
      unseen.push(`${name}: ${reasonOf(error)}`);
      return [];
    }
  }

  const pick = selector === undefined ? '' : `?labelSelector=${encodeURIComponent(selector)}`;
  const [listed, events, nodes] = await Promise.all([
    part<V1Pod>('pods', `${scope}/pods${pick}`),
    part<CoreV1Event>('events', `${scope}/events`),
    part<V1Node>('nodes', '/api/v1/nodes'),
  ]);
  const pods = listed.filter(concerns);
  if (silence !== undefined)
    return { ...nothing, api: { answers: false, error: silence }, pods, events, nodes };

  const ill = pods.filter((pod) => !isWell(pod));
  const waiting = ill.filter((pod) => pod.status?.phase === 'Pending');
  const [neighbours, claims, storageClasses, logs] = await Promise.all([
    ill.some(isUnscheduled) ? part<V1Pod>('all pods', '/api/v1/pods') : [],
    waiting.some(usesClaim) ? part<V1PersistentVolumeClaim>('claims', `${scope}/persistentvolumeclaims`) : [],
    waiting.some(usesClaim)
      ? part<V1StorageClass>('storage classes', '/apis/storage.k8s.io/v1/storageclasses')
      : [],
    // one that has crashed and runs again may run on what a broken start has left
    Promise.all(
      pods.filter((pod) => ill.includes(pod) || hasCrashed(pod)).map((pod) => readLogs(api, pod)),
    ).then((parts) => parts.flat()),
  ]);
  return {
    api: { answers: true, error: undefined },
    pods,
    events,
    nodes,
    neighbours,
    claims,
    storageClasses,
    logs,
  };
}
