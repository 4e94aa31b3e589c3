import type {
  CoreV1Event,
  V1Job,
  V1Namespace,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1StorageClass,
} from '@kubernetes/client-node';

import { ApiError, type ClusterAccess, openApi } from '../kubernetes/index.js';
import { causeOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { masker } from '../support/mask.js';
import { secretsHeld } from './bundle/secrets.js';
import { readLogs } from './logs.js';
import { within } from './paths.js';
import { belonging, eventsWithin, idleServices, namespacesOf, type Owned, type Scope } from './scope.js';
import { isWell, type Snapshot, statusesOf } from './snapshot.js';

/** How long one question to the API server may take. */
const QUESTION_MS = 5_000;

/** Whoever asks looks again by itself, and one that does not answer is itself something seen. */
export const questions = { limit: QUESTION_MS, retry: false };

/** The API server's answer with a status is an answer, even if it is a refusal; 5xx is not. */
const isRefusal = (error: unknown) => error instanceof ApiError && error.status < 500;

/** The innermost message, in a line. */
export const reasonOf = (error: unknown) => firstLine(causeOf(error));

const hasCrashed = (pod: V1Pod) =>
  statusesOf(pod).some(({ lastState }) => (lastState?.terminated?.exitCode ?? 0) !== 0);
const isUnscheduled = (pod: V1Pod) => pod.status?.phase === 'Pending' && !pod.spec?.nodeName;
/** Starting, or not yet heard of: a pull shows in neither. */
export const mayPull = (pod: V1Pod) => pod.status?.phase === 'Pending' && pod.spec?.nodeName !== undefined;
const usesClaim = (pod: V1Pod) => pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim) ?? false;
const isOfJob = (pod: V1Pod) => pod.metadata?.ownerReferences?.some(({ kind }) => kind === 'Job') ?? false;

/** Through which a pod may belong to an object. */
const between = {
  Deployment: 'apis/apps/v1/deployments',
  ReplicaSet: 'apis/apps/v1/replicasets',
  StatefulSet: 'apis/apps/v1/statefulsets',
  DaemonSet: 'apis/apps/v1/daemonsets',
  CronJob: 'apis/batch/v1/cronjobs',
  Job: 'apis/batch/v1/jobs',
  Service: 'api/v1/services',
} as const;

type ClusterPart = Omit<Snapshot, 'takenAt' | 'containers' | 'downloads' | 'host' | 'unseen'> & {
  clockAheadMs: number;
};

export const nothing: ClusterPart = {
  clockAheadMs: 0,
  api: undefined,
  pods: [],
  events: [],
  nodes: [],
  neighbours: [],
  claims: [],
  storageClasses: [],
  jobs: [],
  logs: [],
};

export async function observeCluster(
  access: ClusterAccess,
  {
    scope = {},
    timeout: limit = QUESTION_MS,
    signal,
  }: { scope?: Scope | undefined; timeout?: number; signal?: AbortSignal | undefined },
  unseen: string[],
): Promise<ClusterPart> {
  using api = openApi(access, { ...questions, limit, signal });
  const namespaces = namespacesOf(scope);

  /** One part of the picture: empty, with a note, where it cannot be read. */
  async function part<T extends object>(name: string, path: string, kind?: string): Promise<T[]> {
    try {
      const { items } = await api.request<{ items: T[] }>(path);
      // those of a list do not say what they are
      return kind === undefined ? items : items.map((item) => ({ kind, ...item }));
    } catch (error) {
      unseen.push(`${name}: ${reasonOf(error)}`);
      return [];
    }
  }
  /** Of every namespace that is looked into. */
  async function parts<T extends object>(name: string, resource: string, kind?: string): Promise<T[]> {
    const paths = namespaces?.map((each) => within(each, resource)) ?? [`/${resource}`];
    return (await Promise.all(paths.map((path) => part<T>(name, path, kind)))).flat();
  }
  const of = (wanted: boolean | undefined) => ({ parts: wanted ? parts : () => Promise.resolve([]) });

  // a list may be long, and the server busy: silent is who does not even say how it is
  const silence = api.text('/readyz', { accept: '*/*' }).then(
    () => undefined,
    (error: unknown) => (isRefusal(error) ? undefined : reasonOf(error)),
  );
  const [unheard, all, events, nodes, others, tests] = await Promise.all([
    silence,
    parts<V1Pod>('pods', 'api/v1/pods', 'Pod'),
    parts<CoreV1Event>('events', 'api/v1/events'),
    scope.nodes === false ? [] : part<V1Node>('nodes', '/api/v1/nodes'),
    Promise.all(
      Object.entries(between).map(([kind, resource]) =>
        of(scope.objects !== undefined).parts<Owned>(resource, resource, kind),
      ),
    ).then((lists) => lists.flat()),
    scope.withoutTests
      ? part<V1Namespace>(
          'namespaces',
          `/api/v1/namespaces?labelSelector=${encodeURIComponent('jest-kubernetes/run-id')}`,
        )
      : [],
  ]);
  const clockAheadMs = api.now === undefined ? 0 : Math.round(api.now - Date.now());
  if (unheard !== undefined) return { ...nothing, clockAheadMs, api: { answers: false, error: unheard } };

  const ofTests = new Set(tests.map(({ metadata }) => metadata?.name));
  const isWithin = belonging(scope, others);
  const belongs = (object: Owned) => !ofTests.has(object.metadata?.namespace) && isWithin(object);
  const pods = all.filter((pod) => belongs(pod as Owned));
  const ill = pods.filter((pod) => !isWell(pod));
  const waiting = ill.filter((pod) => pod.status?.phase === 'Pending');
  // one that has crashed and runs again may run on what a broken start has left
  const telling = pods.filter((pod) => ill.includes(pod) || hasCrashed(pod));
  const where = new Set(telling.flatMap(({ metadata }) => metadata?.namespace ?? []));
  const [neighbours, claims, storageClasses, jobs, logs, secrets] = await Promise.all([
    ill.some(isUnscheduled) ? part<V1Pod>('all pods', '/api/v1/pods') : [],
    of(waiting.some(usesClaim)).parts<V1PersistentVolumeClaim>(
      'claims',
      'api/v1/persistentvolumeclaims',
      'PersistentVolumeClaim',
    ),
    waiting.some(usesClaim)
      ? part<V1StorageClass>('storage classes', '/apis/storage.k8s.io/v1/storageclasses')
      : [],
    of(ill.some(isOfJob)).parts<V1Job>('jobs', between.Job, 'Job'),
    Promise.all(telling.map((pod) => readLogs(api, pod))).then((each) => each.flat()),
    // who may not read them masks by shape alone
    Promise.all([...where].map((each) => secretsHeld(api, [each]).catch(() => []))).then((each) =>
      each.flat(),
    ),
  ]);
  // as a whole: a key may stand on several lines
  const mask = masker(secrets);
  return {
    clockAheadMs,
    api: { answers: true, error: undefined },
    pods,
    events: eventsWithin(scope, events, [...all, ...others] as Owned[], belongs),
    nodes,
    neighbours,
    claims,
    storageClasses,
    jobs,
    services: idleServices(others, all as Owned[]).filter(belongs),
    logs: logs.map((log) => ({ ...log, text: mask(log.text) })),
    secrets,
  };
}
