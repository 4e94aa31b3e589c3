import type { V1Pod } from '@kubernetes/client-node';

import { formatBytesInTenths } from '../../report/index.js';
import { lastLines } from '../../support/lines.js';
import { millis } from '../events.js';
import type { Snapshot } from '../snapshot.js';
import type { Finding, Recognise } from './cause.js';
import { imageFailures } from './image.js';
import {
  called,
  containersOf,
  controllerOf,
  endOf,
  eventLine,
  eventsOf,
  firstOf,
  hasCondition,
  illContainers,
  imageOf,
  isSince,
  jobOf,
  logsOf,
  present,
  seconds,
  specOf,
  type Subject,
  tailOf,
} from './reading.js';
import { thresholds } from './thresholds.js';

export const wrongPlatform: Recognise = (snapshot, context) =>
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
      ? { ...wrongPlatformFinding(snapshot, image, evidence), conclusive: failures >= thresholds.failedPulls }
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
export const initScriptFailed: Recognise = (snapshot) =>
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

export const settingRefused: Recognise = (snapshot) =>
  toldByLogs(snapshot, illContainers(snapshot), (text) => {
    const { what, setting } = refusedSetting.exec(lastLines(text, 3).join('\n'))?.groups ?? {};
    if (what === undefined || setting === undefined) return undefined;
    return {
      sentence: `the setting ${setting} is refused: ${what}`,
      lines: 1,
      remedy: `Correct ${setting}, in \`postgres.settings\` or where the container is given it.`,
    };
  });

const isOurServer = ({ metadata }: { metadata?: { labels?: Record<string, string> } }): boolean =>
  metadata?.labels?.['app.kubernetes.io/name'] === 'postgres' &&
  metadata.labels['app.kubernetes.io/managed-by'] === 'jest-kubernetes';

export const oomKilled: Recognise = (snapshot) =>
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
      remedy: isOurServer(subject.pod)
        ? `Its files lie in memory too, unless \`postgres.storage\` is 'disk': set that, seed less, or ${limit ? 'raise `postgres.resources.limits.memory`' : 'give the container engine more memory'}.`
        : limit
          ? `Raise the container's memory limit (resources.limits.memory).`
          : `Give the machine, or the container engine, more memory, or run less at a time.`,
      conclusive: again >= thresholds.memoryKills || isFinal(snapshot, subject.pod),
    };
  });

export const cannotStart: Recognise = (snapshot) =>
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
      conclusive: noProgram !== undefined || subject.status.restartCount >= thresholds.failedStarts,
    };
  });

/** Nothing starts it again: what has made it may try once more with another pod. */
function isFinal(snapshot: Snapshot, pod: V1Pod): boolean {
  if (controllerOf(pod)?.kind === 'Job') return hasCondition(jobOf(snapshot, pod), 'Failed');
  return pod.spec?.restartPolicy === 'Never' || pod.status?.phase === 'Failed';
}

export const crashLoop: Recognise = (snapshot, context) =>
  firstOf(illContainers(snapshot), (subject) => {
    const end = endOf(subject);
    if (!end || end.exitCode === 0) return undefined;
    const { restartCount } = subject.status;
    const { restarts = thresholds.crashes } = context;
    const final = isFinal(snapshot, subject.pod);
    const how = end.signal ? `signal ${String(end.signal)}` : `exit code ${String(end.exitCode)}`;
    const isAgain = restartCount > 0 || subject.status.state?.terminated === undefined;
    const tail = tailOf(snapshot, subject, 10);
    const killed = eventsOf(snapshot, subject.pod).find(
      ({ reason, message = '' }) => reason === 'Unhealthy' && /^(?:Liveness|Startup)/.test(message),
    );
    return {
      sentence: `${called(subject)} ${isAgain ? `ends with ${how} each time it is started` : `has ended with ${how}`}${tail.length > 0 ? `: ${tail.at(-1)?.replace(/^log: /, '') ?? ''}` : ', and logs nothing'}`,
      evidence: present([
        `restarts: ${String(restartCount)}, last ended ${seconds(snapshot.takenAt - millis(end.finishedAt))} ago: ${end.reason ?? ''}`,
        killed && eventLine(snapshot, killed),
        ...tail,
      ]),
      remedy: `Its last log lines say why it ends; correct that in image ${imageOf(subject)} or in the pod's configuration.`,
      conclusive: final || (restartCount >= restarts && isSince(millis(end.finishedAt), context)),
    };
  });

export const neverReady: Recognise = (snapshot) =>
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
