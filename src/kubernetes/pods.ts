import type { Api } from './client.js';

export interface Container {
  name: string;
  ports?: { name?: string; containerPort: number }[];
  restartPolicy?: string;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; reason?: string };
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  containerID?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

/** What is read of a pod. */
export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    annotations?: Record<string, string>;
  };
  spec: {
    containers: Container[];
    initContainers?: Container[];
    ephemeralContainers?: Container[];
    restartPolicy?: string;
  };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    ephemeralContainerStatuses?: ContainerStatus[];
  };
}

/** One pod by its name, or those that a label selector names; all of the namespace where it names none. */
export interface PodsNamed {
  namespace: string;
  pod?: string | undefined;
  selector?: string | undefined;
}

/** The path of the list of these pods. */
export function podsPath({ namespace, pod, selector }: PodsNamed): string {
  const query = new URLSearchParams({
    ...(pod !== undefined && { fieldSelector: `metadata.name=${pod}` }),
    ...(selector !== undefined && selector !== '' && { labelSelector: selector }),
  });
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?${query.toString()}`;
}

/** Those that are there now, by their names. @throws ApiError */
export async function readPods(api: Api, pods: PodsNamed, signal: AbortSignal): Promise<Pod[]> {
  const { items } = await api.request<{ items: Pod[] }>(podsPath(pods), { signal });
  return items.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

export const isReady = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;

/** All that it is to run, in the order in which they start. */
export const containersOf = ({ spec }: Pod): Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...(spec.ephemeralContainers ?? []),
];

/** Undefined for one that the kubelet has not looked at yet. */
export function containerStatus({ status }: Pod, name: string): ContainerStatus | undefined {
  const {
    initContainerStatuses = [],
    containerStatuses = [],
    ephemeralContainerStatuses = [],
  } = status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    (each) => each.name === name,
  );
}

/** The one that is meant where none is named, as kubectl has it. */
export const defaultContainer = ({ metadata, spec }: Pod): string =>
  metadata.annotations?.['kubectl.kubernetes.io/default-container'] ?? spec.containers[0]?.name ?? '';

/** Undefined where no container of the pod has a port of that name. */
export function containerPort(pod: Pod, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  return containersOf(pod)
    .flatMap(({ ports }) => ports ?? [])
    .find(({ name }) => name === port)?.containerPort;
}

/** A label selector as an object has it, as text: a map, or `matchLabels` and `matchExpressions`. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

const operators: Record<string, (key: string, values: string) => string> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.flatMap(
      ({ key, operator, values = [] }) => operators[operator]?.(key, values.join(',')) ?? [],
    ),
  ].join(',');
}
