import type { CoreV1Event, V1ContainerStatus, V1Node, V1Pod } from '@kubernetes/client-node';

import { formatBytesInTenths } from '../report/index.js';
import { JestKubernetesError, type ErrorCode } from '../support/errors.js';
import { formatCpus, parseQuantity } from './quantity.js';
import { isWell, type DiagnosisContext, type Snapshot } from './snapshot.js';

/** What one cause says about a snapshot in which it is recognised. */
interface Finding {
  sentence: string;
  /** Most telling line first. */
  evidence: string[];
  remedy: string;
  /** Waiting longer cannot help. */
  conclusive: boolean;
}

interface Cause {
  code: ErrorCode;
  recognise: (snapshot: Snapshot, context: DiagnosisContext) => Finding | undefined;
}

export interface Diagnosis extends Readonly<Finding> {
  cause: CauseName;
  code: ErrorCode;
}

// --- reading a snapshot ---

const millis = (time: Date | string | undefined) => (time === undefined ? 0 : new Date(time).getTime());
const seconds = (ms: number) => `${String(Math.max(0, Math.round(ms / 1000)))} s`;
const nameOf = (object: { metadata?: { name?: string } }) => object.metadata?.name ?? '';
const present = (lines: readonly (string | undefined)[]) =>
  lines.filter((line) => line !== undefined && line !== '') as string[];
const lastLines = (text: string, count: number) =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count);

/** Pods that do not run as they should; one on its way out is nobody's concern. */
const illPods = (snapshot: Snapshot) =>
  snapshot.pods.filter((pod) => !isWell(pod) && pod.metadata?.deletionTimestamp === undefined);

interface Subject {
  pod: V1Pod;
  status: V1ContainerStatus;
}

const containersOf = (pod: V1Pod): Subject[] =>
  [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => ({
    pod,
    status,
  }));

/** The containers of those pods that are not ready, in the order in which they start. */
const illContainers = (snapshot: Snapshot): Subject[] =>
  illPods(snapshot)
    .flatMap(containersOf)
    .filter(({ status }) => !status.ready && status.state?.terminated?.exitCode !== 0);

const specOf = ({ pod, status }: Subject) =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
    ({ name }) => name === status.name,
  );
const imageOf = (subject: Subject) => specOf(subject)?.image ?? subject.status.image;
const called = ({ pod, status }: Subject) =>
  nameOf(pod) === status.name ? `pod ${nameOf(pod)}` : `container ${status.name} of pod ${nameOf(pod)}`;

const seenAt = (event: CoreV1Event) =>
  Math.max(millis(event.lastTimestamp), millis(event.series?.lastObservedTime), millis(event.eventTime));
const timesSeen = (event: CoreV1Event) => event.series?.count ?? event.count ?? 1;

/** The events of one object, newest first. */
const eventsOf = (snapshot: Snapshot, object: { metadata?: { name?: string; uid?: string } }) =>
  snapshot.events
    .filter(
      ({ involvedObject }) =>
        involvedObject.name === object.metadata?.name &&
        (involvedObject.uid === undefined || involvedObject.uid === object.metadata?.uid),
    )
    .sort((a, b) => seenAt(b) - seenAt(a));

const eventLine = (snapshot: Snapshot, event: CoreV1Event) =>
  `event ${event.reason ?? ''}${timesSeen(event) > 1 ? ` (${String(timesSeen(event))} times)` : ''}, ` +
  `${seconds(snapshot.takenAt - seenAt(event))} ago: ${(event.message ?? '').trim()}`;

/** An event's time has no fraction of a second, so the second that it fell in counts. */
const isFresh = (event: CoreV1Event, { since = 0 }: DiagnosisContext) => seenAt(event) + 1000 > since;

const logsOf = (snapshot: Snapshot, { pod, status }: Subject) =>
  snapshot.logs.filter(
    (log) =>
      log.pod === nameOf(pod) &&
      log.container === status.name &&
      log.namespace === (pod.metadata?.namespace ?? ''),
  );
/** The log of the life that failed: that of the present one while it is new is empty. */
const tailOf = (snapshot: Snapshot, subject: Subject, count: number) => {
  const logs = logsOf(snapshot, subject);
  const died = subject.status.state?.terminated !== undefined;
  const log = logs.find(({ previous }) => previous !== died) ?? logs[0];
  return log ? lastLines(log.text, count).map((line) => `log: ${line}`) : [];
};

/** How a container's last life ended, whether it has another one since or not. */
const endOf = ({ status }: Subject) => status.state?.terminated ?? status.lastState?.terminated;

function firstOf<S, T>(subjects: readonly S[], find: (subject: S) => T | undefined): T | undefined {
  for (const subject of subjects) {
    const found = find(subject);
    if (found !== undefined) return found;
  }
  return undefined;
}

// --- causes that lie in an image ---

interface ImageFailure {
  subject: Subject;
  image: string;
  text: string;
  evidence: string[];
  /** Failures seen since there was no more image to come. */
  failures: number;
}

const pullReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'RegistryUnavailable',
  'InvalidImageName',
  'ErrImageNeverPull',
]);

/** The first image that could not be had; the back-off's own message does not say why, the events do. */
function imageFailures(snapshot: Snapshot, context: DiagnosisContext): ImageFailure[] {
  return illContainers(snapshot).flatMap((subject) => {
    const waiting = subject.status.state?.waiting;
    if (!pullReasons.has(waiting?.reason ?? '')) return [];
    const image = imageOf(subject);
    const events = eventsOf(snapshot, subject.pod).filter(
      ({ reason, message = '' }) =>
        ['Failed', 'ErrImageNeverPull', 'InspectFailed'].includes(reason ?? '') && message.includes(image),
    );
    const text = [waiting?.message, events[0]?.message].join('\n');
    const fresh = events.filter((event) => isFresh(event, context));
    const evidence = present([
      waiting?.message && !waiting.message.startsWith('Back-off') ? waiting.message : undefined,
      ...events.slice(0, 1).map((event) => eventLine(snapshot, event)),
    ]);
    const failures = context.imageComing ? 0 : fresh.reduce((sum, event) => sum + timesSeen(event), 0);
    return [{ subject, image, text, evidence, failures }];
  });
}

/** An image that could not be pulled, for the reason that its message shows. */
const imageCause =
  (
    shows: RegExp,
    say: (image: string) => Pick<Finding, 'sentence' | 'remedy'>,
    failuresNeeded = 1,
  ): Cause['recognise'] =>
  (snapshot, context) =>
    firstOf(imageFailures(snapshot, context), ({ image, text, evidence, failures }) =>
      shows.test(text) ? { ...say(image), evidence, conclusive: failures >= failuresNeeded } : undefined,
    );

// --- causes that lie in a node ---

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

/** A node that has just been lost may be back in a moment, as after the machine's sleep. */
const NODE_LOST_MS = 15_000;

const nodeNotReady: Cause['recognise'] = (snapshot) => {
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
    conclusive: lost && age > NODE_LOST_MS,
  };
};

/** What a node is short of, by the condition that says so. */
const pressures = { DiskPressure: 'disk space', MemoryPressure: 'memory', PIDPressure: 'process ids' };

const nodePressure =
  (type: keyof typeof pressures, remedy: string): Cause['recognise'] =>
  (snapshot) => {
    const node = nodesConcerned(snapshot).find((each) => conditionOf(each, type)?.status === 'True');
    if (!node || (illPods(snapshot).length === 0 && snapshot.pods.length > 0)) return undefined;
    const { message = '', lastTransitionTime } = conditionOf(node, type) ?? {};
    const { disk } = snapshot.host;
    const evicted = snapshot.pods.filter((pod) => pod.status?.reason === 'Evicted');
    return {
      sentence: `node ${nameOf(node)} is short of ${pressures[type]}`,
      evidence: present([
        `condition ${type} for ${seconds(snapshot.takenAt - millis(lastTransitionTime))}: ${message}`,
        ...evicted.map((pod) => `pod ${nameOf(pod)} was evicted: ${pod.status?.message ?? ''}`),
        type === 'DiskPressure' && disk
          ? `host: ${formatBytesInTenths(disk.freeBytes)} of ${formatBytesInTenths(disk.totalBytes)} free on ${disk.path}`
          : undefined,
      ]),
      remedy,
      conclusive: illPods(snapshot).length > 0,
    };
  };

// --- causes that lie in what a pod asks for ---

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
  (
    resource: Resource,
    shortage: RegExp,
    show: (amount: number) => string,
    remedy: string,
  ): Cause['recognise'] =>
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

const otherwiseUnschedulable: Cause['recognise'] = (snapshot) =>
  firstOf(unscheduledPods(snapshot), ({ pod, message }) => ({
    sentence: `no node takes pod ${nameOf(pod)}`,
    evidence: [`scheduler: ${message}`],
    remedy: `Compare the pod's nodeSelector, affinity and tolerations with the nodes' labels and taints.`,
    conclusive: false,
  }));

const volumeNotBound: Cause['recognise'] = (snapshot) => {
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

const misconfigured: Cause['recognise'] = (snapshot, context) => {
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
      // the object may be applied a moment after the pod: a second try shows that it was not
      conclusive: tries >= 2 && !passing.test(message),
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
        conclusive: isFresh(event, context) && timesSeen(event) >= 4,
      };
    })
  );
};

const volumeNotMounted: Cause['recognise'] = (snapshot) =>
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

// --- causes that lie in a program ---

const wrongPlatform: Cause['recognise'] = (snapshot, context) =>
  firstOf(illContainers(snapshot), (subject) => {
    const texts = [
      ...logsOf(snapshot, subject).map(({ text }) => text),
      endOf(subject)?.message ?? '',
      subject.status.state?.waiting?.message ?? '',
    ];
    const line = texts.flatMap((text) => text.split('\n')).find((each) => each.includes('exec format error'));
    if (line === undefined) return undefined;
    return wrongPlatformFinding(snapshot, imageOf(subject), [line.trim()]);
  }) ??
  firstOf(imageFailures(snapshot, context), ({ image, text, evidence, failures }) =>
    /no match(?:ing manifest)? for (?:platform|[\w/]+ in the manifest)/.test(text)
      ? { ...wrongPlatformFinding(snapshot, image, evidence), conclusive: failures > 0 }
      : undefined,
  );

function wrongPlatformFinding(snapshot: Snapshot, image: string, evidence: string[]): Finding {
  const info = snapshot.nodes[0]?.status?.nodeInfo;
  const platform = info ? `${info.operatingSystem}/${info.architecture}` : undefined;
  return {
    sentence: `image ${image} is not for the node's platform${platform ? `, ${platform}` : ''}`,
    evidence,
    remedy: `Build or pull it for ${platform ?? `the node's platform`} (\`docker build --platform ${platform ?? '…'}\`), or name an image that has it.`,
    conclusive: true,
  };
}

/** psql names file and line itself; a shell does for its own scripts. */
const initScriptErrors = [
  /^psql:(?<file>\/docker-entrypoint-initdb\.d\/[^:]+):(?<line>\d+): (?<what>(?:ERROR|FATAL|PANIC|error):.*)/m,
  /^(?<file>\/docker-entrypoint-initdb\.d\/[^:]+): line (?<line>\d+): (?<what>.*)/m,
];

/** What the logs of a container that failed tell of its end: `read` looks at one of them. It will end so again. */
const toldByLogs = (
  snapshot: Snapshot,
  subjects: readonly Subject[],
  read: (text: string) => { sentence: string; lines: number; remedy: string } | undefined,
): Finding | undefined =>
  firstOf(subjects, (subject) => {
    const { exitCode = 0 } = endOf(subject) ?? {};
    if (exitCode === 0) return undefined;
    return firstOf(logsOf(snapshot, subject), ({ text }) => {
      const told = read(text);
      if (told === undefined) return undefined;
      const { sentence, lines, remedy } = told;
      const evidence = [
        `${called(subject)} ended with exit code ${String(exitCode)}`,
        ...lastLines(text, lines).map((each) => `log: ${each}`),
      ];
      return { sentence, evidence, remedy, conclusive: true };
    });
  });

/** Recognised in a ready pod too: restarted on a volume that a broken start has left, it skips the scripts. */
const initScriptFailed: Cause['recognise'] = (snapshot) =>
  toldByLogs(snapshot, snapshot.pods.flatMap(containersOf), (text) => {
    const { file, line, what } = firstOf(initScriptErrors, (shape) => shape.exec(text)?.groups) ?? {};
    if (file === undefined || line === undefined || what === undefined) return undefined;
    const script = file.replace(/^.*\//, '');
    return {
      sentence: `init script ${script} fails at line ${line}: ${what.trim()}`,
      lines: 5,
      remedy: `Correct ${script}; every init script must succeed on an empty database.`,
    };
  });

/** The server's last words; those of a setting in a file come as LOG before a FATAL that names the file alone. */
const refusedSetting = /^.*(?:FATAL|LOG): +(?<what>(?!.* changed to ).*\bparameter "(?<setting>[\w.]+)".*)$/m;

const settingRefused: Cause['recognise'] = (snapshot) =>
  toldByLogs(snapshot, illContainers(snapshot), (text) => {
    const { what, setting } = refusedSetting.exec(lastLines(text, 3).join('\n'))?.groups ?? {};
    if (what === undefined || setting === undefined) return undefined;
    return {
      sentence: `the setting ${setting} is refused: ${what}`,
      lines: 1,
      remedy: `Correct ${setting}, in \`postgres.settings\` or where the container is given it.`,
    };
  });

const oomKilled: Cause['recognise'] = (snapshot) =>
  firstOf(illContainers(snapshot), (subject) => {
    const end = endOf(subject);
    if (end?.reason !== 'OOMKilled') return undefined;
    const limit = specOf(subject)?.resources?.limits?.['memory'];
    const again = subject.status.restartCount;
    return {
      sentence: limit
        ? `${called(subject)} was killed for using more memory than its limit of ${limit}`
        : `${called(subject)} was killed because its node ran out of memory`,
      evidence: present([
        `OOMKilled, exit code ${String(end.exitCode)}, restarts: ${String(again)}`,
        `host: ${formatBytesInTenths(snapshot.host.freeMemoryBytes)} of ${formatBytesInTenths(snapshot.host.totalMemoryBytes)} of memory available`,
        ...tailOf(snapshot, subject, 3),
      ]),
      remedy: limit
        ? `Raise the container's memory limit (resources.limits.memory).`
        : `Give the machine, or the container engine, more memory, or run less at a time.`,
      // once may be a peak; a container that dies of it again will go on doing so
      conclusive: again > 0 || subject.pod.spec?.restartPolicy === 'Never',
    };
  });

const cannotStart: Cause['recognise'] = (snapshot) =>
  firstOf(illContainers(snapshot), (subject) => {
    const waiting = subject.status.state?.waiting;
    const end = endOf(subject);
    const failed =
      ['RunContainerError', 'CreateContainerError'].includes(waiting?.reason ?? '') ||
      ['StartError', 'ContainerCannotRun'].includes(end?.reason ?? '');
    const message =
      (waiting?.reason === 'CrashLoopBackOff' ? undefined : waiting?.message) ?? end?.message ?? '';
    if (!failed) return undefined;
    const noProgram = /exec: "[^"]*": .*|no such file or directory: unknown$/.exec(message)?.[0];
    return {
      sentence: `${called(subject)} cannot be started${noProgram ? `: ${noProgram.replace(/: unknown$/, '')}` : ''}`,
      evidence: present([message]),
      remedy: `Check the container's command and args against what image ${imageOf(subject)} holds.`,
      conclusive: noProgram !== undefined || subject.status.restartCount > 1,
    };
  });

const crashLoop: Cause['recognise'] = (snapshot, { restarts = 3, since = 0 }) =>
  firstOf(illContainers(snapshot), (subject) => {
    const end = endOf(subject);
    if (!end || end.exitCode === 0) return undefined;
    const { restartCount } = subject.status;
    const final = subject.pod.spec?.restartPolicy === 'Never' || subject.pod.status?.phase === 'Failed';
    const how = end.signal ? `signal ${String(end.signal)}` : `exit code ${String(end.exitCode)}`;
    const tail = tailOf(snapshot, subject, 10);
    const killed = eventsOf(snapshot, subject.pod).find(
      ({ reason, message = '' }) => reason === 'Unhealthy' && /^(?:Liveness|Startup)/.test(message),
    );
    return {
      sentence: `${called(subject)} ends with ${how} each time it is started${tail.length > 0 ? `: ${tail.at(-1)?.replace(/^log: /, '') ?? ''}` : ', and logs nothing'}`,
      evidence: present([
        `restarts: ${String(restartCount)}, last ended ${seconds(snapshot.takenAt - millis(end.finishedAt))} ago: ${end.reason ?? ''}`,
        killed && eventLine(snapshot, killed),
        ...tail,
      ]),
      remedy: `Its last log lines say why it ends; correct that in image ${imageOf(subject)} or in the pod's configuration.`,
      conclusive: final || (restartCount >= restarts && millis(end.finishedAt) + 1000 > since),
    };
  });

const neverReady: Cause['recognise'] = (snapshot) =>
  firstOf(illContainers(snapshot), (subject) => {
    const running = subject.status.state?.running;
    if (!running) return undefined;
    const probe = eventsOf(snapshot, subject.pod).find(({ reason }) => reason === 'Unhealthy');
    const said = probe?.message?.trim().replace(/^\w+ probe (?:failed|errored): */, '');
    return {
      sentence: `${called(subject)} runs but has not become ready${said ? `: ${said.split('\n')[0] ?? ''}` : ''}`,
      evidence: present([
        probe && eventLine(snapshot, probe),
        `started ${seconds(snapshot.takenAt - millis(running.startedAt))} ago`,
        ...tailOf(snapshot, subject, 5),
      ]),
      remedy: `See what its readiness probe asks for, and the container's log for why it is not there.`,
      conclusive: false,
    };
  });

// --- causes that lie outside of the pods ---

const portFailures = [
  /host port for \S*?:(?<port>\d+):\S*: address already in use/,
  /Bind for \S*?:(?<port>\d+) failed: port is already allocated/,
  /listen \w+ \S*?:(?<port>\d+): bind: address already in use/,
  /address already in use \S*?:(?<port>\d+)/,
];

/** The port that a failure's text complains about, as Docker, podman or Node.js words it. */
export function portIn(failure: string): number | undefined {
  const port = firstOf(portFailures, (shape) => shape.exec(failure)?.groups?.['port']);
  return port === undefined ? undefined : Number(port);
}

const portTaken: Cause['recognise'] = (snapshot, { failure = '' }) => {
  const port = portIn(failure);
  if (port === undefined) return undefined;
  const owner = snapshot.host.ports.find((each) => each.port === port);
  const who =
    owner?.pid === undefined
      ? owner && `a process of ${owner.uid === 0 ? 'root' : `user ${String(owner.uid)}`}`
      : `process ${String(owner.pid)}`;
  return {
    sentence: `port ${String(port)} of this machine is taken${who ? ` by ${who}` : ''}${owner?.command ? ` (${owner.command})` : ''}`,
    evidence: present([
      owner &&
        `${owner.address}:${String(port)} is listened on by ${who ?? ''}${owner.command ? `: ${owner.command}` : ''}`,
      ...failure.split('\n').filter((line) => line.includes(String(port))),
    ]),
    remedy: `End that process, or choose another port; without one, any free port is taken.`,
    conclusive: true,
  };
};

/** An API server may restart, which takes it some ten seconds. */
const API_SILENT_MS = 20_000;

const apiSilent: Cause['recognise'] = (snapshot, { apiSilentMs = 0 }) => {
  if (snapshot.api?.answers !== false) return undefined;
  const down = snapshot.containers.filter(({ state }) => state !== 'running');
  return {
    sentence: down[0]
      ? `the cluster's API server does not answer: the node's container ${down[0].name} is ${down[0].state}`
      : `the cluster's API server does not answer: ${snapshot.api.error ?? ''}`,
    evidence: present([
      ...snapshot.containers.map(
        ({ name, state, exitCode, oomKilled }) =>
          `container ${name}: ${state}${state === 'exited' ? `, exit code ${String(exitCode)}` : ''}${oomKilled ? ', out of memory' : ''}`,
      ),
      `asked for its pods: ${snapshot.api.error ?? ''}`,
      `host: ${formatBytesInTenths(snapshot.host.freeMemoryBytes)} of memory available, load ${snapshot.host.loadAverage.map((load) => load.toFixed(1)).join(' ')} on ${formatCpus(snapshot.host.cpus)}`,
    ]),
    remedy: down[0]
      ? `Start it again (\`docker start ${down[0].name}\`, or \`docker unpause\`), or delete the cluster so that the next run makes a new one.`
      : `See whether the node's container is short of memory or CPU, and the log of kube-apiserver in it.`,
    conclusive: down.length > 0 || apiSilentMs >= API_SILENT_MS,
  };
};

const pullSlow: Cause['recognise'] = (snapshot, { pull, imageComing }) => {
  if (pull && imageComing) {
    const size = pull.totalBytes === undefined ? '' : ` of ${formatBytesInTenths(pull.totalBytes)}`;
    return {
      sentence: `image ${pull.image} is still being pulled, ${formatBytesInTenths(pull.bytes)}${size} so far`,
      evidence: [`no byte for ${seconds(pull.idleMs)}`],
      remedy: `Look at the network and the registry; an image that is already on this machine is not pulled.`,
      conclusive: false,
    };
  }
  return firstOf(illContainers(snapshot), (subject) => {
    const waiting = subject.status.state?.waiting;
    if (waiting === undefined || pullReasons.has(waiting.reason ?? '')) return undefined;
    const ofImage = eventsOf(snapshot, subject.pod).filter(({ message }) =>
      message?.includes(imageOf(subject)),
    );
    const pulling = ofImage.find(({ reason }) => reason === 'Pulling');
    if (!pulling || ofImage.some((event) => event.reason !== 'Pulling' && seenAt(event) >= seenAt(pulling))) {
      return undefined;
    }
    // containerd keeps what earlier, abandoned pulls left
    const downloads = snapshot.downloads.filter(
      ({ idleMs }) => snapshot.takenAt - idleMs + 2_000 > seenAt(pulling),
    );
    const idle = Math.min(...downloads.map(({ idleMs }) => idleMs));
    const size = ({ bytes, totalBytes }: { bytes: number; totalBytes: number | undefined }) =>
      `${(bytes / 1e6).toFixed(1)}${totalBytes === undefined ? ' MB' : ` of ${(totalBytes / 1e6).toFixed(1)} MB`}`;
    const known = downloads.every(({ totalBytes }) => totalBytes !== undefined);
    const together = size({
      bytes: downloads.reduce((sum, { bytes }) => sum + bytes, 0),
      totalBytes: known ? downloads.reduce((sum, { totalBytes = 0 }) => sum + totalBytes, 0) : undefined,
    });
    return {
      sentence: `image ${imageOf(subject)} is still being pulled by the node, for ${seconds(snapshot.takenAt - seenAt(pulling))} now${downloads.length > 0 ? `, ${together} so far` : ''}`,
      evidence: present([
        ...downloads.map(
          (each) => `${each.ref.slice(0, 26)}…: ${size(each)}, no byte for ${seconds(each.idleMs)}`,
        ),
        eventLine(snapshot, pulling),
      ]),
      remedy:
        Number.isFinite(idle) && idle > 5_000
          ? `The registry has stopped sending: see the network between the node and the registry, or name the image under \`images\`, so that it is pulled on the host.`
          : `Name the image under \`images\`, so that it is pulled once, on the host.`,
      conclusive: false,
    };
  });
};

/**
 * Every cause, the most telling first: where several are recognised, the one
 * that explains the others stands above them.
 */
const causes = {
  'port-taken': { code: 'PORT_TAKEN', recognise: portTaken },
  'api-not-answering': { code: 'CLUSTER_UNREACHABLE', recognise: apiSilent },
  'disk-pressure': {
    code: 'DISK_FULL',
    recognise: nodePressure(
      'DiskPressure',
      'Free disk space of the container engine (`docker system prune`), then run again.',
    ),
  },
  'node-not-ready': { code: 'CLUSTER_NOT_READY', recognise: nodeNotReady },
  'wrong-platform': { code: 'IMAGE_PLATFORM', recognise: wrongPlatform },
  'init-script-failed': { code: 'INIT_SCRIPT_FAILED', recognise: initScriptFailed },
  'setting-refused': { code: 'POD_MISCONFIGURED', recognise: settingRefused },
  'oom-killed': { code: 'POD_OOM_KILLED', recognise: oomKilled },
  'image-not-imported': {
    code: 'IMAGE_IMPORT_FAILED',
    recognise: imageCause(
      /not present with pull policy of Never|ErrImageNeverPull/,
      (image) => ({
        sentence: `image ${image} is not in the node, and may not be pulled (imagePullPolicy: Never)`,
        remedy: `Add '${image}' to \`images\`, under exactly this name.`,
      }),
      2,
    ),
  },
  'image-rate-limited': {
    code: 'IMAGE_RATE_LIMITED',
    recognise: imageCause(
      /toomanyrequests|429 Too Many Requests|status code.* 429|rate limit/i,
      (image) => ({
        sentence: `the registry of image ${image} refuses further pulls from this machine for now (rate limit)`,
        remedy: `Log in to the registry (\`docker login\`), or name the image under \`images\`, so that it is pulled once, on the host.`,
      }),
      // a registry may also refuse in passing
      2,
    ),
  },
  'image-unauthorized': {
    code: 'IMAGE_UNAUTHORIZED',
    recognise: imageCause(
      /\b401\b|403 Forbidden|unauthorized|authorization failed|insufficient_scope|access denied|no basic auth/i,
      (image) => ({
        sentence: `the registry of image ${image} wants credentials (or the image does not exist)`,
        remedy: `Log in (\`docker login\`) and name the image under \`images\`, so that the host pulls it, or give the pod an imagePullSecret.`,
      }),
    ),
  },
  'image-not-found': {
    code: 'IMAGE_NOT_FOUND',
    recognise: imageCause(
      /: not found|manifest unknown|NAME_UNKNOWN|\b404\b|InvalidImageName|couldn't parse image/i,
      (image) => ({
        sentence: `image ${image} does not exist in its registry`,
        remedy: `Check the image's name and tag; one that is built on this machine must be named under \`images\`.`,
      }),
    ),
  },
  'registry-unreachable': {
    code: 'REGISTRY_UNREACHABLE',
    recognise: imageCause(
      /no such host|lookup .*(?:misbehaving|timeout|failure)|connection refused|i\/o timeout|TLS handshake|x509|no route to host|network is unreachable|HTTP response to HTTPS/i,
      (image) => ({
        sentence: `the node cannot reach the registry of image ${image}`,
        remedy: `Name the image under \`images\`, so that it is pulled on the host, with the host's network and credentials.`,
      }),
      // names resolve, and connections open, a moment after a node has started
      3,
    ),
  },
  'image-pull-failed': {
    code: 'IMAGE_PULL_FAILED',
    recognise: imageCause(
      /./,
      (image) => ({
        sentence: `image ${image} cannot be pulled`,
        remedy: `Try \`docker pull ${image}\`; name the image under \`images\`, so that it is pulled on the host.`,
      }),
      3,
    ),
  },
  misconfigured: { code: 'POD_MISCONFIGURED', recognise: misconfigured },
  'cannot-start': { code: 'POD_CRASHED', recognise: cannotStart },
  'crash-loop': { code: 'POD_CRASHED', recognise: crashLoop },
  'volume-not-bound': { code: 'VOLUME_NOT_BOUND', recognise: volumeNotBound },
  'unschedulable-memory': {
    code: 'POD_UNSCHEDULABLE',
    recognise: unschedulable(
      'memory',
      /Insufficient memory/,
      formatBytesInTenths,
      `Ask for less (resources.requests.memory), or give the container engine more memory.`,
    ),
  },
  'unschedulable-cpu': {
    code: 'POD_UNSCHEDULABLE',
    recognise: unschedulable(
      'cpu',
      /Insufficient cpu/,
      formatCpus,
      `Ask for less (resources.requests.cpu), or give the container engine more CPUs.`,
    ),
  },
  'memory-pressure': {
    code: 'POD_UNSCHEDULABLE',
    recognise: nodePressure(
      'MemoryPressure',
      'Give the container engine more memory, or run less at a time.',
    ),
  },
  'pid-pressure': {
    code: 'POD_UNSCHEDULABLE',
    recognise: nodePressure('PIDPressure', 'Run fewer processes on this machine at a time.'),
  },
  'volume-not-mounted': { code: 'VOLUME_NOT_BOUND', recognise: volumeNotMounted },
  unschedulable: { code: 'POD_UNSCHEDULABLE', recognise: otherwiseUnschedulable },
  'image-pull-slow': { code: 'IMAGE_PULL_FAILED', recognise: pullSlow },
  'never-ready': { code: 'POD_NOT_READY', recognise: neverReady },
} as const satisfies Record<string, Cause>;

export type CauseName = keyof typeof causes;

/** Every cause that a snapshot shows, the most telling first. */
export function diagnoseAll(snapshot: Snapshot, context: DiagnosisContext = {}): Diagnosis[] {
  return Object.entries(causes).flatMap(([cause, { code, recognise }]) => {
    const finding = recognise(snapshot, context);
    return finding ? [{ cause: cause as CauseName, code, ...finding }] : [];
  });
}

/**
 * The most telling cause that a snapshot shows: one that waiting cannot heal
 * before one that it could; undefined where nothing is amiss that is known here.
 */
export function diagnose(snapshot: Snapshot, context: DiagnosisContext = {}): Diagnosis | undefined {
  const found = diagnoseAll(snapshot, context);
  return found.find(isFatal) ?? found[0];
}

/** Whether waiting longer cannot help, so that a wait may end at once. */
export function isFatal(diagnosis: Diagnosis): boolean {
  return diagnosis.conclusive;
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
