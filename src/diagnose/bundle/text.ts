import type { CoreV1Event, V1Node, V1Pod } from '@kubernetes/client-node';

import { formatBytesInTenths, type TimelineEntry } from '../../report/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { yaml } from '../../support/native.js';
import { seenAt, timesSeen } from '../events.js';
import { type HostFacts, statusesOf } from '../snapshot.js';
import type { BundleOptions } from './options.js';

export function summaryText(
  { error, diagnosis, access, runId }: BundleOptions,
  notes: readonly string[],
): string {
  const causes: string[] = [];
  for (
    let cause = (error as { cause?: unknown } | undefined)?.cause;
    cause instanceof Error;
    cause = cause.cause
  ) {
    causes.push(`  caused by: ${cause.stack ?? cause.message}`);
  }
  return [
    `run ${runId}, ${new Date().toISOString()}${access ? `, cluster ${access.name} (context ${access.context})` : ', no cluster'}`,
    '',
    failureText(error),
    ...causes,
    ...(diagnosis
      ? [
          '',
          `likely cause: ${diagnosis.cause}: ${diagnosis.sentence}`,
          ...diagnosis.evidence.map((line) => `    ${line}`),
          `  → ${diagnosis.remedy}`,
        ]
      : []),
    ...(notes.length > 0 ? ['', 'what could not be had:', ...notes.map((note) => `    ${note}`)] : []),
    '',
  ].join('\n');
}

function failureText(error: unknown): string {
  if (error === undefined) return 'nothing has failed: somebody wanted to see';
  if (error instanceof JestKubernetesError) return error.format();
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}

/** As a file of variables has them. */
export const pairs = (record: Readonly<Record<string, string>>) =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** Nobody's cloud keys have a place here, so that the variables are picked, not filtered. */
export function tellingVariables(env: BundleOptions['env']): Record<string, string> {
  const telling =
    /^(?:JEST_KUBERNETES(?:_[A-Z_]+)?|JEST_WORKER_ID|KIND_EXPERIMENTAL_[A-Z_]+|KUBECONFIG|DOCKER_(?:HOST|CONTEXT|CONFIG|CERT_PATH|TLS_VERIFY|API_VERSION)|CONTAINER_HOST|TESTCONTAINERS_(?:HOST_OVERRIDE|DOCKER_SOCKET_OVERRIDE|RYUK_DISABLED)|PG(?:HOST|PORT|USER|DATABASE|PASSWORD)|DATABASE_URL|CI|GITHUB_(?:ACTIONS|WORKFLOW|JOB|RUN_ID|SHA)|RUNNER_(?:OS|ARCH|NAME|ENVIRONMENT)|NODE_(?:ENV|OPTIONS|EXTRA_CA_CERTS|VERSION)|HTTPS?_PROXY|NO_PROXY|PATH|https?_proxy|no_proxy)$/;
  return Object.fromEntries(
    Object.entries(env)
      .filter((entry): entry is [string, string] => telling.test(entry[0]) && entry[1] !== undefined)
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}

export function timelineText(timeline: readonly TimelineEntry[]): string {
  const at = (ms: number) => (ms / 1000).toFixed(2).padStart(8);
  return [...timeline]
    .sort((a, b) => a.start - b.start)
    .map(
      ({ phase, start, end, outcome, detail }) =>
        `${at(start)} ${at(end)} s  ${outcome.padEnd(9)} ${phase}  ${detail}\n`,
    )
    .join('');
}

/** Anything that has a name. */
export interface Named {
  metadata?: { namespace?: string; name?: string };
}

export const placeOf = ({ metadata }: Named) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

/** Without what only machines read. */
export const yamlOf = (objects: readonly object[]) =>
  objects
    .map((object) => {
      const plain = JSON.parse(JSON.stringify(object)) as { metadata?: { managedFields?: unknown } };
      delete plain.metadata?.managedFields;
      // unfolded: a secret must stand on one line to be seen
      return yaml().stringify(plain, { lineWidth: 0 });
    })
    .join('---\n');

export const hostText = (host: HostFacts) =>
  [
    host.platform,
    `${String(host.cpus)} CPUs, load ${host.loadAverage.map((load) => load.toFixed(2)).join(' ')}`,
    `memory: ${formatBytesInTenths(host.freeMemoryBytes)} of ${formatBytesInTenths(host.totalMemoryBytes)} available`,
    host.disk
      ? `disk: ${formatBytesInTenths(host.disk.freeBytes)} of ${formatBytesInTenths(host.disk.totalBytes)} free on ${host.disk.path}`
      : 'disk: not known',
    ...host.ports.map(
      ({ port, address, pid, command }) =>
        `port ${String(port)}: ${address}, ${pid === undefined ? 'by a process that is hidden' : `process ${String(pid)}: ${command ?? ''}`}`,
    ),
    '',
  ].join('\n');

export const nodeText = ({ metadata, spec, status }: V1Node) =>
  [
    `node ${metadata?.name ?? ''}  ${status?.nodeInfo?.kubeletVersion ?? ''}  ${status?.nodeInfo?.containerRuntimeVersion ?? ''}`,
    `  allocatable: ${Object.entries(status?.allocatable ?? {})
      .map(([name, amount]) => `${name} ${amount}`)
      .join(', ')}`,
    ...(spec?.taints ?? []).map(({ key, value, effect }) => `  taint ${key}=${value ?? ''}:${effect}`),
    ...(status?.conditions ?? []).map(
      ({ type, status: is, reason, message }) => `  ${type}=${is}  ${reason ?? ''}: ${message ?? ''}`,
    ),
    '',
  ].join('\n');

const timeText = (at: Date | number | undefined) => (at ? new Date(at).toISOString() : '');

const eventLine = (event: CoreV1Event) =>
  `${timeText(seenAt(event))}  ${event.type ?? ''} ${event.reason ?? ''} ×${String(timesSeen(event))}  ` +
  `${event.involvedObject.kind ?? ''} ${event.involvedObject.namespace ?? ''}/${event.involvedObject.name ?? ''}: ${(event.message ?? '').trim()}`;

export const eventsText = (events: readonly CoreV1Event[]) =>
  [...events]
    .sort((a, b) => seenAt(a) - seenAt(b))
    .map((event) => `${eventLine(event)}\n`)
    .join('');

/** A pod as `kubectl describe` would show it, in what matters to a failure. */
export function podText(pod: V1Pod, events: readonly CoreV1Event[]): string {
  const { metadata, spec, status } = pod;
  return [
    `pod ${placeOf(pod)}  ${status?.phase ?? ''}${status?.reason ? ` (${status.reason})` : ''}  on ${spec?.nodeName ?? 'no node'}`,
    ...(status?.conditions ?? [])
      .filter((condition) => condition.status !== 'True')
      .map(({ type, reason, message }) => `  not ${type}: ${reason ?? ''} ${message ?? ''}`),
    ...statusesOf(pod).flatMap(({ name, image, ready, restartCount, state, lastState }) => [
      `  container ${name}  ${image}  ${ready ? 'ready' : 'not ready'}, restarts: ${String(restartCount)}`,
      ...Object.entries({ now: state, before: lastState }).flatMap(([when, life]) => [
        ...(life?.running ? [`    ${when}: running since ${timeText(life.running.startedAt)}`] : []),
        ...(life?.waiting
          ? [`    ${when}: waiting, ${life.waiting.reason ?? ''} ${life.waiting.message ?? ''}`]
          : []),
        ...(life?.terminated
          ? [
              `    ${when}: ended ${timeText(life.terminated.finishedAt)}, ${life.terminated.reason ?? ''}, exit code ${String(life.terminated.exitCode)} ${life.terminated.message ?? ''}`,
            ]
          : []),
      ]),
    ]),
    ...events
      .filter(({ involvedObject }) => involvedObject.uid === metadata?.uid)
      .map((event) => `  ${eventLine(event)}`),
    '',
  ].join('\n');
}
