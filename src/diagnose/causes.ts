import { type ErrorCode, JestKubernetesError } from '../support/errors.js';
import { masker } from '../support/mask.js';
import type { Cause, Finding } from './causes/cause.js';
import { podsRefused, serviceSelectsNothing } from './causes/controller.js';
import {
  imageNotFound,
  imageNotImported,
  imagePullFailed,
  imagePullSlow,
  imageRateLimited,
  imageUnauthorized,
  registryUnreachable,
} from './causes/image.js';
import { diskPressure, memoryPressure, nodeNotReady, pidPressure } from './causes/node.js';
import { apiNotAnswering, portTaken } from './causes/outside.js';
import {
  cannotStart,
  crashLoop,
  initScriptFailed,
  neverReady,
  oomKilled,
  settingRefused,
  wrongPlatform,
} from './causes/program.js';
import {
  misconfigured,
  otherwiseUnschedulable,
  unschedulableCpu,
  unschedulableMemory,
  volumeNotBound,
  volumeNotMounted,
} from './causes/request.js';
import { masked } from './masked.js';
import type { DiagnosisContext, Snapshot } from './snapshot.js';

export { portIn } from './causes/outside.js';

/**
 * Every cause, the most telling first: where several are recognised, the one
 * that explains the others stands above them.
 */
const causes = {
  // the text of a failure names a port that is in use
  'port-taken': { code: 'PORT_TAKEN', recognise: portTaken },
  // the API server gave no answer; its node's container tells why
  'api-not-answering': { code: 'CLUSTER_UNREACHABLE', recognise: apiNotAnswering },
  // the node's condition DiskPressure, which brings evictions and failed pulls
  'disk-pressure': { code: 'DISK_FULL', recognise: diskPressure },
  // the node's condition Ready
  'node-not-ready': { code: 'CLUSTER_NOT_READY', recognise: nodeNotReady },

  // `exec format error`, or no manifest for the platform
  'wrong-platform': { code: 'IMAGE_PLATFORM', recognise: wrongPlatform },
  // psql's, or the shell's, error in a log, with file and line; in a ready pod too
  'init-script-failed': { code: 'INIT_SCRIPT_FAILED', recognise: initScriptFailed },
  // a parameter that PostgreSQL's last words name
  'setting-refused': { code: 'POD_MISCONFIGURED', recognise: settingRefused },
  // a container's end, OOMKilled
  'oom-killed': { code: 'POD_OOM_KILLED', recognise: oomKilled },

  // why a pull failed, in the words of the kubelet, containerd and the registry
  'image-not-imported': { code: 'IMAGE_IMPORT_FAILED', recognise: imageNotImported },
  'image-rate-limited': { code: 'IMAGE_RATE_LIMITED', recognise: imageRateLimited },
  'image-unauthorized': { code: 'IMAGE_UNAUTHORIZED', recognise: imageUnauthorized },
  'image-not-found': { code: 'IMAGE_NOT_FOUND', recognise: imageNotFound },
  'registry-unreachable': { code: 'REGISTRY_UNREACHABLE', recognise: registryUnreachable },
  'image-pull-failed': { code: 'IMAGE_PULL_FAILED', recognise: imagePullFailed },

  // a controller's event FailedCreate: the API server admits none of its pods
  'pods-refused': { code: 'POD_MISCONFIGURED', recognise: podsRefused },
  // a Secret or ConfigMap that the pod refers to is not there
  misconfigured: { code: 'POD_MISCONFIGURED', recognise: misconfigured },
  // the container's program is not in its image, or not to be run
  'cannot-start': { code: 'POD_CRASHED', recognise: cannotStart },
  // any other end with an exit code: its log's last lines
  'crash-loop': { code: 'POD_CRASHED', recognise: crashLoop },

  // a claim that is pending, has no class, or does not exist
  'volume-not-bound': { code: 'VOLUME_NOT_BOUND', recognise: volumeNotBound },
  // the scheduler's message, held against what the nodes have and their pods ask for
  'unschedulable-memory': { code: 'POD_UNSCHEDULABLE', recognise: unschedulableMemory },
  'unschedulable-cpu': { code: 'POD_UNSCHEDULABLE', recognise: unschedulableCpu },
  // the node's conditions, which keep pods off it
  'memory-pressure': { code: 'POD_UNSCHEDULABLE', recognise: memoryPressure },
  'pid-pressure': { code: 'POD_UNSCHEDULABLE', recognise: pidPressure },
  // the kubelet's event FailedMount, or FailedAttachVolume
  'volume-not-mounted': { code: 'VOLUME_NOT_BOUND', recognise: volumeNotMounted },
  // the scheduler's message, whatever it says
  unschedulable: { code: 'POD_UNSCHEDULABLE', recognise: otherwiseUnschedulable },

  // a Service's selector, held against the labels of the pods that are there
  'service-selects-nothing': { code: 'SERVICE_WITHOUT_PODS', recognise: serviceSelectsNothing },

  // what may still come to a good end: a pull that goes on, a container that runs and is not ready
  'image-pull-slow': { code: 'IMAGE_PULL_FAILED', recognise: imagePullSlow },
  'never-ready': { code: 'POD_NOT_READY', recognise: neverReady },
} as const satisfies Record<string, Cause>;

export type CauseName = keyof typeof causes;

export interface Diagnosis extends Readonly<Finding> {
  cause: CauseName;
  code: ErrorCode;
}

/**
 * The most telling cause that a snapshot shows: one that waiting cannot heal
 * before one that it could, without secrets; undefined where nothing is amiss that is known here.
 */
export function diagnose(
  snapshot: Snapshot,
  { since = 0, ...rest }: DiagnosisContext = {},
): Diagnosis | undefined {
  // what a cluster tells, it tells by its own clock
  const context = { ...rest, since: since + (snapshot.clockAheadMs ?? 0) };
  const found = Object.entries(causes).flatMap(([cause, { code, recognise }]): Diagnosis[] => {
    const finding = recognise(snapshot, context);
    return finding ? [{ cause: cause as CauseName, code, ...finding }] : [];
  });
  return masked(found.find(({ conclusive }) => conclusive) ?? found[0], masker(snapshot.secrets));
}

/**
 * The error for a person.
 * @param what - what failed, as the start of a sentence: `PostgreSQL did not become ready`
 */
export function toError(
  diagnosis: Diagnosis,
  { what, cause }: { what: string; cause?: unknown },
): JestKubernetesError {
  const { code, sentence, evidence, remedy } = diagnosis;
  return new JestKubernetesError(code, `${what}: ${sentence}`, { evidence, remedy, cause });
}
