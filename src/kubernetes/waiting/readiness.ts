import { groupOf, isCustom, type KubernetesObject } from '../objects.js';
import {
  conditionIs,
  describeCondition,
  generationSeen,
  met,
  never,
  notYet,
  statusConditions,
  type Verdict,
} from './verdict.js';

/*
 * What "ready" means for each kind, by the rules of kstatus (sigs.k8s.io/cli-utils, pkg/kstatus), with three
 * differences, since a test goes on to use what it has waited for: a Job is ready when it is complete (there: when it
 * has started); a pod that has failed is not ready (there: it is done); a resource whose kind has a status is ready when
 * somebody has written one (there: at once).
 */

type Fields = Record<string, unknown>;

/** The number at a path such as `status.readyReplicas`. */
function numberAt(object: KubernetesObject, part: 'spec' | 'status', field: string, otherwise = 0): number {
  const value = ((object[part] ?? {}) as Fields)[field];
  return typeof value === 'number' ? value : otherwise;
}

function textAt(object: KubernetesObject, field: string): string {
  const value = ((object['status'] ?? {}) as Fields)[field];
  return typeof value === 'string' ? value : '';
}

type Count = readonly [is: number, of: number, what: string];

/** The first that is short of what is wanted. */
function enough(...counts: readonly Count[]): Verdict {
  const short = counts.find(([is, of]) => is < of);
  return short === undefined ? met : notYet(`${short[0]} of ${short[1]} ${short[2]}`);
}

/** The first that is not met. */
function all(...verdicts: readonly (() => Verdict)[]): Verdict {
  for (const verdict of verdicts) {
    const found = verdict();
    if (found.is !== 'met') return found;
  }
  return met;
}

/** As many replicas as the spec wants: made, then so in each further respect, and none that is left over. */
function replicas(object: KubernetesObject, further: (wanted: number) => Count[], leftOver: string): Verdict {
  const wanted = numberAt(object, 'spec', 'replicas', 1);
  const there = numberAt(object, 'status', 'replicas');
  return all(
    () => enough([there, wanted, 'replicas are made'], ...further(wanted)),
    () => (there > wanted ? notYet(`${there - wanted} replicas ${leftOver} are still there`) : met),
  );
}

function deployment(object: KubernetesObject): Verdict {
  const progressing = statusConditions(object).find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return never(describeCondition(progressing));
  const further = (wanted: number): Count[] => [
    [numberAt(object, 'status', 'updatedReplicas'), wanted, 'replicas are of the newest version'],
    [numberAt(object, 'status', 'readyReplicas'), wanted, 'replicas are ready'],
    [numberAt(object, 'status', 'availableReplicas'), wanted, 'replicas are available'],
  ];
  return all(
    () => replicas(object, further, 'of an earlier version'),
    () => conditionIs(object, 'Available'),
  );
}

function replicaSet(object: KubernetesObject): Verdict {
  const further = (wanted: number): Count[] => [
    [numberAt(object, 'status', 'readyReplicas'), wanted, 'replicas are ready'],
    [numberAt(object, 'status', 'availableReplicas'), wanted, 'replicas are available'],
  ];
  return replicas(object, further, 'too many');
}

function statefulSet(object: KubernetesObject): Verdict {
  const { updateStrategy } = (object['spec'] ?? {}) as {
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
  };
  // whoever deletes the pods by hand decides when they are of the newest version
  const updated = (wanted: number): number =>
    updateStrategy?.type === 'OnDelete' ? 0 : wanted - (updateStrategy?.rollingUpdate?.partition ?? 0);
  const further = (wanted: number): Count[] => [
    [numberAt(object, 'status', 'readyReplicas'), wanted, 'replicas are ready'],
    [numberAt(object, 'status', 'updatedReplicas'), updated(wanted), 'replicas are of the newest version'],
  ];
  return replicas(object, further, 'too many');
}

function daemonSet(object: KubernetesObject): Verdict {
  const wanted = numberAt(object, 'status', 'desiredNumberScheduled', -1);
  if (wanted === -1 || !('observedGeneration' in ((object['status'] ?? {}) as Fields)))
    return notYet('its controller has not taken it up yet');
  return enough(
    [numberAt(object, 'status', 'currentNumberScheduled'), wanted, 'nodes have a pod of it'],
    [numberAt(object, 'status', 'updatedNumberScheduled'), wanted, 'pods are of the newest version'],
    [numberAt(object, 'status', 'numberReady'), wanted, 'pods are ready'],
    [numberAt(object, 'status', 'numberAvailable'), wanted, 'pods are available'],
  );
}

function pod(object: KubernetesObject): Verdict {
  const phase = textAt(object, 'phase');
  if (phase === 'Succeeded') return met;
  if (phase === 'Failed') {
    const why = [textAt(object, 'reason'), textAt(object, 'message')].filter(Boolean).join(': ');
    return never(`its phase is Failed${why === '' ? '' : ` (${why})`}`);
  }
  const scheduled = statusConditions(object).find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return notYet(describeCondition(scheduled));
  const ready = conditionIs(object, 'Ready');
  if (ready.is !== 'not yet') return ready;
  return notYet([`its phase is ${phase || 'not known yet'}`, ...containersLack(object)].join('; '));
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  state?: Record<string, { reason?: string; message?: string; exitCode?: number } | undefined>;
}

function containersLack({ status }: KubernetesObject): string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (status ?? {}) as Record<
    string,
    ContainerStatus[] | undefined
  >;
  const isDone = ({ ready, state }: ContainerStatus): boolean =>
    ready === true || state?.['terminated']?.exitCode === 0;
  return [...initContainerStatuses, ...containerStatuses]
    .filter((each) => !isDone(each))
    .map(({ name, state = {} }) => {
      const [word = 'not started', details] = Object.entries(state)[0] ?? [];
      return `container ${name} is ${[word, details?.reason].filter(Boolean).join(', ')}`;
    });
}

function job(object: KubernetesObject): Verdict {
  const failed = statusConditions(object).find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed !== undefined) return never(describeCondition(failed));
  if (conditionIs(object, 'Complete').is === 'met') return met;
  const wanted = numberAt(object, 'spec', 'completions', 1);
  const [succeeded, active, failures] = ['succeeded', 'active', 'failed'].map((field) =>
    numberAt(object, 'status', field),
  ) as [number, number, number];
  return notYet(
    `${succeeded} of ${wanted} completions, ${active} pods at work${failures > 0 ? `, ${failures} failed` : ''}`,
  );
}

function definition(object: KubernetesObject): Verdict {
  const refused = statusConditions(object).find(
    ({ type, status }) => type === 'NamesAccepted' && status === 'False',
  );
  return refused === undefined ? conditionIs(object, 'Established') : never(describeCondition(refused));
}

/** Its `status.phase` is one of these. */
export const phaseIs =
  (...wanted: readonly string[]) =>
  (object: KubernetesObject): Verdict => {
    const phase = textAt(object, 'phase');
    return wanted.includes(phase) ? met : notYet(`its phase is ${phase || 'not known yet'}`);
  };

function loadBalancer(object: KubernetesObject): Verdict {
  const { type } = (object['spec'] ?? {}) as { type?: string };
  if (type !== 'LoadBalancer') return met;
  const { loadBalancer: given } = (object['status'] ?? {}) as { loadBalancer?: { ingress?: unknown[] } };
  return (given?.ingress ?? []).length > 0 ? met : notYet('its load balancer has no address yet');
}

/** By group and kind; the core group has no name. */
const kinds: Readonly<Record<string, (object: KubernetesObject) => Verdict>> = {
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'batch/Job': job,
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
  'apiregistration.k8s.io/APIService': (object) => conditionIs(object, 'Available'),
  Pod: pod,
  Service: loadBalancer,
  PersistentVolumeClaim: phaseIs('Bound'),
  PersistentVolume: phaseIs('Available', 'Bound'),
  Namespace: phaseIs('Active'),
  Node: (object) => conditionIs(object, 'Ready'),
};

function custom(object: KubernetesObject, hasStatus: boolean): Verdict {
  if (hasStatus && Object.keys(object['status'] ?? {}).length === 0)
    return notYet('it has no status yet: no controller has taken it up');
  const ready = statusConditions(object).some(({ type }) => type === 'Ready');
  return ready ? conditionIs(object, 'Ready') : met;
}

/**
 * Whether an object is what its spec says, and a test can use it.
 * @param hasStatus - whether its kind has a status that somebody is to write; only custom resources' counts
 */
export function readiness(object: KubernetesObject, hasStatus = false): Verdict {
  if (object.metadata.deletionTimestamp !== undefined) return notYet('it is being deleted');
  const seen = generationSeen(object);
  if (seen.is !== 'met') return seen;
  const stalled = statusConditions(object).find(
    ({ type, status }) => type === 'Stalled' && status === 'True',
  );
  if (stalled !== undefined) return never(describeCondition(stalled));
  const busy = statusConditions(object).find(
    ({ type, status }) => type === 'Reconciling' && status === 'True',
  );
  if (busy !== undefined) return notYet(describeCondition(busy));
  const group = groupOf(object);
  const rule = kinds[group === '' ? object.kind : `${group}/${object.kind}`];
  if (rule !== undefined) return rule(object);
  // what of Kubernetes itself is not in the table has nothing to wait for
  return isCustom(object) ? custom(object, hasStatus) : met;
}

/** What is read of an EndpointSlice. */
export interface EndpointSlice {
  endpoints?: { conditions?: { ready?: boolean | null } }[] | null;
}

/** Whether one of its endpoints is ready; where that is not known, it is, as the API has it. */
export const hasReadyEndpoint = ({ endpoints }: EndpointSlice): boolean =>
  endpoints?.some(({ conditions }) => conditions?.ready !== false) === true;
