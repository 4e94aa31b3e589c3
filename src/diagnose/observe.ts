import type { CoreV1Api, StorageV1Api, V1Pod } from '@kubernetes/client-node';

import type { ClusterAccess } from '../kubernetes/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { messageOf } from '../support/errors.js';
import { downloadsIn, inspectContainers } from './engine.js';
import { observeHost } from './host.js';
import { kubernetesClient } from '../support/native.js';
import { isWell, type ContainerLog, type Snapshot } from './snapshot.js';

/** How long one question to the API server, or to the engine, may take. */
const QUESTION_MS = 5_000;
const LOG_LINES = 50;
const LOG_BYTES = 256 * 1024;

export interface ObserveOptions {
  /** Without it, only the host and the engine are looked at. */
  access?: ClusterAccess;
  /** Undefined is every namespace. */
  namespace?: string;
  /** A label selector; undefined is every pod. */
  selector?: string;
  /** With it, the nodes' containers are looked at too. */
  engine?: { runtime: ContainerRuntime; containers: readonly string[] };
  /** What a node downloads, at the cost of a command in each. Default: true. */
  downloads?: boolean;
  /** The host's ports that the run wants. */
  ports?: readonly number[];
  /** For each question, in milliseconds. Default: 5000. */
  timeout?: number;
  signal?: AbortSignal;
}

interface Clients {
  core: CoreV1Api;
  storage: StorageV1Api;
}

/** Clients of one cluster whose every request ends at the bound, or with the signal. */
export function connect(
  access: ClusterAccess,
  { timeout = QUESTION_MS, signal }: { timeout?: number; signal?: AbortSignal } = {},
): Clients {
  const k8s = kubernetesClient();
  const config = new k8s.KubeConfig();
  config.loadFromFile(access.kubeconfig);
  config.setCurrentContext(access.context);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`${access.kubeconfig} has no context ${access.context}`);
  const configuration = k8s.createConfiguration({
    baseServer: new k8s.ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (request) => {
          const bound = AbortSignal.timeout(timeout);
          request.setSignal(signal ? AbortSignal.any([signal, bound]) : bound);
          return Promise.resolve(request);
        },
        post: (response) => Promise.resolve(response),
      },
    ],
  });
  return { core: new k8s.CoreV1Api(configuration), storage: new k8s.StorageV1Api(configuration) };
}

/** The API server's answer with a status is an answer, even if it is a refusal; 5xx is not. */
function isRefusal(error: unknown): boolean {
  const status = (error as { code?: unknown }).code;
  // a DOMException has a code too, a small one
  return typeof status === 'number' && status >= 400 && status < 500;
}

/** The innermost message: `fetch failed` itself tells nothing. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const cause = (error as { cause?: unknown }).cause;
  return cause === undefined ? (messageOf(error).split('\n')[0] ?? '') : reasonOf(cause);
}

const statusesOf = (pod: V1Pod) => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
];

/** The logs of a pod's containers, as far as they can be had: those of this life and of the one before. */
export async function readLogs(
  core: CoreV1Api,
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
    const question = { name, namespace, container, previous, tailLines: lines, limitBytes: bytes };
    // the kubelet may have removed a previous life's log, or be gone: what is left still tells
    const text = await core.readNamespacedPodLog(question).catch(() => '');
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
  const { namespace, selector: labelSelector } = options;
  const { core, storage } = connect(access, options);

  let silence: string | undefined;
  /** One part of the picture: empty, with a note, where it cannot be read. */
  async function part<T>(name: string, question: Promise<{ items: T[] }>): Promise<T[]> {
    try {
      return (await question).items;
    } catch (error) {
      if (!isRefusal(error)) silence ??= reasonOf(error);
      unseen.push(`${name}: ${reasonOf(error)}`);
      return [];
    }
  }

  const pick = labelSelector === undefined ? {} : { labelSelector };
  const [pods, events, nodes] = await Promise.all([
    part(
      'pods',
      namespace === undefined
        ? core.listPodForAllNamespaces(pick)
        : core.listNamespacedPod({ namespace, ...pick }),
    ),
    part(
      'events',
      namespace === undefined ? core.listEventForAllNamespaces() : core.listNamespacedEvent({ namespace }),
    ),
    part('nodes', core.listNode()),
  ]);
  if (silence !== undefined)
    return { ...nothing, api: { answers: false, error: silence }, pods, events, nodes };

  const ill = pods.filter((pod) => !isWell(pod));
  const waiting = ill.filter((pod) => pod.status?.phase === 'Pending');
  const [neighbours, claims, storageClasses, logs] = await Promise.all([
    ill.some(isUnscheduled) ? part('all pods', core.listPodForAllNamespaces()) : [],
    waiting.some(usesClaim)
      ? part(
          'claims',
          namespace === undefined
            ? core.listPersistentVolumeClaimForAllNamespaces()
            : core.listNamespacedPersistentVolumeClaim({ namespace }),
        )
      : [],
    waiting.some(usesClaim) ? part('storage classes', storage.listStorageClass()) : [],
    // one that has crashed and runs again may run on what a broken start has left
    Promise.all(
      pods.filter((pod) => ill.includes(pod) || hasCrashed(pod)).map((pod) => readLogs(core, pod)),
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
