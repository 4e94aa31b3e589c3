import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

import type { CoreV1Event, V1Node, V1Pod, V1SecretList } from '@kubernetes/client-node';

import { openApi, type ClusterAccess } from '../kubernetes/index.js';
import type { ContainerRuntime } from '../runtime/runtime.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import type { Diagnosis } from './causes.js';
import { masker, secretsOf } from './mask.js';
import { yaml } from '../support/native.js';
import { observe, questions, readLogs, reasonOf } from './observe.js';
import { formatBytes } from './quantity.js';
import type { HostFacts } from './snapshot.js';

/** The whole bundle's bound, and that of its slowest part, in milliseconds. */
const BUNDLE_MS = 30_000;
const EXPORT_MS = 20_000;
/** How many bundles are kept. */
const KEPT = 10;
const LOG_LINES = 2_000;
const LOG_BYTES = 1024 * 1024;
const FILE_BYTES = 16 * 1024 * 1024;

/** What a phase did and when, in milliseconds since the run's start. */
export interface TimelineEntry {
  phase: string;
  start: number;
  /** Undefined while it still runs. */
  end?: number;
  outcome: string;
  detail: string;
}

export interface BundleOptions {
  /** The configuration's `diagnostics`. */
  directory: string;
  runId: string;
  /** What failed, as its reader is shown it. */
  error: unknown;
  diagnosis?: Diagnosis | undefined;
  /** Undefined where there is no cluster: what can be had without is written. */
  access?: ClusterAccess | undefined;
  /** The namespaces to look at; undefined is all of them, which suits a cluster of our own. */
  namespaces?: readonly string[];
  engine?: { runtime: ContainerRuntime; containers: readonly string[] } | undefined;
  /** Writes what the cluster's provider itself can tell (`kind export logs`) into a folder. */
  exportLogs?: ((directory: string, signal: AbortSignal) => Promise<unknown>) | undefined;
  timeline: readonly TimelineEntry[];
  /** Of node, jest, kind, the engine, this package. */
  versions: Readonly<Record<string, string>>;
  /** The run's environment, of which only the variables that matter here are written. */
  env: Readonly<Record<string, string | undefined>>;
  /** Passwords and tokens that the run knows of. */
  secrets?: readonly string[];
  ports?: readonly number[];
  signal?: AbortSignal;
}

/** One folder of a run that failed, and what goes into it. */
interface Bundle {
  path: string;
  write: (file: string, text: string) => Promise<void>;
  mask: (text: string) => string;
  /** What could not be had, and why. */
  notes: string[];
}

/**
 * Writes all that can be seen of a failed run into `<directory>/<time>-<runId>/`,
 * secrets masked, within 30 s. What cannot be had is noted in its summary.txt;
 * only the last ten bundles are kept.
 *
 * @returns the bundle's absolute path
 * @throws where the folder itself cannot be written
 */
export async function writeBundle(options: BundleOptions): Promise<string> {
  const { directory, runId, access, timeline, versions, env } = options;
  const bound = AbortSignal.timeout(BUNDLE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, bound]) : bound;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const path = join(directory, `${time}-${runId.replace(/[^\w.-]/g, '_')}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  // a bundle is for reading here, or for an issue: never for a commit
  await writeFile(join(directory, '.gitignore'), '*\n', { flag: 'wx' }).catch(() => undefined);

  const notes: string[] = [];
  const attempt = async <T>(what: string, part: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await endsBy(part(), signal);
    } catch (error) {
      notes.push(`${what}: ${reasonOf(error)}`);
      return undefined;
    }
  };

  const held =
    access && (await attempt('secrets to mask', () => secretsHeld(access, options.namespaces, signal)));
  const mask = masker([...(options.secrets ?? []), ...(held ?? [])]);
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), mask(text), { mode: 0o600 });
  };
  const bundle: Bundle = { path, write, mask, notes };

  const summary = (): string => summaryText(options, notes);
  await write('summary.txt', summary());
  await Promise.all([
    attempt('timeline', () => write('timeline.txt', timelineText(timeline))),
    attempt('versions', () => write('versions.txt', pairs(versions))),
    attempt('environment', () => write('environment.txt', pairs(tellingVariables(env)))),
    attempt('cluster', () => writeCluster(bundle, options, signal)),
    attempt('kind export logs', () => writeExport(bundle, options.exportLogs, signal)),
    attempt('older bundles', () => prune(directory)),
  ]);
  await write('summary.txt', summary());
  return path;
}

/** The promise, or the signal's reason where that comes first: a part that ignores its signal holds up nothing. */
async function endsBy<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(new Error('not done in time'));
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, ended]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function summaryText({ error, diagnosis, access, runId }: BundleOptions, notes: readonly string[]): string {
  const shown =
    error instanceof JestKubernetesError
      ? error.format()
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
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
    shown,
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

const pairs = (record: Readonly<Record<string, string>>) =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** Nobody's cloud keys have a place here, so that the variables are picked, not filtered. */
function tellingVariables(env: BundleOptions['env']): Record<string, string> {
  const telling =
    /^(?:JEST_|KIND_|KUBE|DOCKER_|CONTAINER_HOST|TESTCONTAINERS_|PG[A-Z]+$|DATABASE_URL$|CI$|GITHUB_(?:ACTIONS|WORKFLOW|JOB|RUN_ID|SHA)$|RUNNER_|NODE_|HTTPS?_PROXY$|NO_PROXY$|PATH$|https?_proxy$|no_proxy$)/;
  return Object.fromEntries(
    Object.entries(env)
      .filter((entry): entry is [string, string] => telling.test(entry[0]) && entry[1] !== undefined)
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}

function timelineText(timeline: readonly TimelineEntry[]): string {
  const at = (ms: number | undefined) => (ms === undefined ? '…' : (ms / 1000).toFixed(2)).padStart(8);
  return [...timeline]
    .sort((a, b) => a.start - b.start)
    .map(
      ({ phase, start, end, outcome, detail }) =>
        `${at(start)} ${at(end)} s  ${outcome.padEnd(9)} ${phase}  ${detail}\n`,
    )
    .join('');
}

const secretsHeld = async (
  access: ClusterAccess,
  namespaces: readonly string[] | undefined,
  signal: AbortSignal,
) => {
  using api = openApi(access, { ...questions, signal });
  const paths = namespaces?.map((namespace) => `/api/v1/namespaces/${namespace}/secrets`) ?? [
    '/api/v1/secrets',
  ];
  const lists = await Promise.all(paths.map((path) => api.request<V1SecretList>(path)));
  return lists.flatMap(({ items }) => items).flatMap(secretsOf);
};

/** Of the cluster, where there is one, and of the host. */
async function writeCluster(
  { write, notes }: Bundle,
  options: BundleOptions,
  signal: AbortSignal,
): Promise<void> {
  const { access, engine, namespaces = [undefined], ports = [] } = options;
  const common = { ports, signal, ...(engine && { engine }) };
  const snapshots = await Promise.all(
    access
      ? namespaces.map((namespace) =>
          observe({ ...common, access, ...(namespace !== undefined && { namespace }) }),
        )
      : [observe(common)],
  );
  const [first] = snapshots;
  if (!first) return;
  notes.push(...new Set(snapshots.flatMap(({ unseen }) => unseen)));
  await write('host.txt', hostText(first.host));
  if (first.containers.length > 0) await write('node-containers.yaml', yaml().stringify(first.containers));
  if (first.api?.answers !== true || !access) return;

  const pods = snapshots.flatMap((snapshot) => snapshot.pods);
  const events = snapshots.flatMap((snapshot) => snapshot.events);
  await Promise.all([
    write('nodes.txt', first.nodes.map(nodeText).join('\n')),
    write('nodes.yaml', yamlOf(first.nodes)),
    write('events.txt', eventsText(events)),
    write('pods.txt', pods.map((pod) => podText(pod, events)).join('\n')),
    write(
      'claims.yaml',
      yamlOf(
        snapshots.flatMap(({ claims, storageClasses }): readonly object[] => [...claims, ...storageClasses]),
      ),
    ),
    ...pods.map((pod) => write(`pods/${placeOf(pod)}.yaml`, yamlOf([pod]))),
  ]);

  using api = openApi(access, { ...questions, signal });
  await Promise.all(
    pods.map(async (pod) => {
      for (const log of await readLogs(api, pod, { lines: LOG_LINES, bytes: LOG_BYTES })) {
        await write(`logs/${placeOf(pod)}/${log.container}${log.previous ? '.previous' : ''}.log`, log.text);
      }
    }),
  );
}

const placeOf = ({ metadata }: V1Pod) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

/** Without what only machines read. */
const yamlOf = (objects: readonly object[]) =>
  objects
    .map((object) => {
      const plain = JSON.parse(JSON.stringify(object)) as { metadata?: { managedFields?: unknown } };
      delete plain.metadata?.managedFields;
      // unfolded: a secret must stand on one line to be seen
      return yaml().stringify(plain, { lineWidth: 0 });
    })
    .join('---\n');

const hostText = (host: HostFacts) =>
  [
    host.platform,
    `${String(host.cpus)} CPUs, load ${host.loadAverage.map((load) => load.toFixed(2)).join(' ')}`,
    `memory: ${formatBytes(host.freeMemoryBytes)} of ${formatBytes(host.totalMemoryBytes)} available`,
    host.disk
      ? `disk: ${formatBytes(host.disk.freeBytes)} of ${formatBytes(host.disk.totalBytes)} free on ${host.disk.path}`
      : 'disk: not known',
    ...host.ports.map(
      ({ port, address, pid, command }) =>
        `port ${String(port)}: ${address}, ${pid === undefined ? 'by a process that is hidden' : `process ${String(pid)}: ${command ?? ''}`}`,
    ),
    '',
  ].join('\n');

const nodeText = ({ metadata, spec, status }: V1Node) =>
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

const time = (at: Date | undefined) => (at === undefined ? '' : new Date(at).toISOString());
const eventTime = (event: CoreV1Event) =>
  time(event.lastTimestamp ?? event.series?.lastObservedTime ?? event.eventTime);

const eventLine = (event: CoreV1Event) =>
  `${eventTime(event)}  ${event.type ?? ''} ${event.reason ?? ''} ×${String(event.count ?? event.series?.count ?? 1)}  ` +
  `${event.involvedObject.kind ?? ''} ${event.involvedObject.namespace ?? ''}/${event.involvedObject.name ?? ''}: ${(event.message ?? '').trim()}`;

const eventsText = (events: readonly CoreV1Event[]) =>
  [...events]
    .sort((a, b) => eventTime(a).localeCompare(eventTime(b)))
    .map((event) => `${eventLine(event)}\n`)
    .join('');

/** A pod as `kubectl describe` would show it, in what matters to a failure. */
function podText(pod: V1Pod, events: readonly CoreV1Event[]): string {
  const { metadata, spec, status } = pod;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return [
    `pod ${placeOf(pod)}  ${status?.phase ?? ''}${status?.reason ? ` (${status.reason})` : ''}  on ${spec?.nodeName ?? 'no node'}`,
    ...(status?.conditions ?? [])
      .filter((condition) => condition.status !== 'True')
      .map(({ type, reason, message }) => `  not ${type}: ${reason ?? ''} ${message ?? ''}`),
    ...containers.flatMap(({ name, image, ready, restartCount, state, lastState }) => [
      `  container ${name}  ${image}  ${ready ? 'ready' : 'not ready'}, restarts: ${String(restartCount)}`,
      ...Object.entries({ now: state, before: lastState }).flatMap(([when, life]) => [
        ...(life?.running ? [`    ${when}: running since ${time(life.running.startedAt)}`] : []),
        ...(life?.waiting
          ? [`    ${when}: waiting, ${life.waiting.reason ?? ''} ${life.waiting.message ?? ''}`]
          : []),
        ...(life?.terminated
          ? [
              `    ${when}: ended ${time(life.terminated.finishedAt)}, ${life.terminated.reason ?? ''}, exit code ${String(life.terminated.exitCode)} ${life.terminated.message ?? ''}`,
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

/** What the provider exports goes to a folder of its own first: nothing comes into the bundle unmasked. */
async function writeExport(
  bundle: Bundle,
  exportLogs: BundleOptions['exportLogs'],
  signal: AbortSignal,
): Promise<void> {
  if (!exportLogs) return;
  const raw = await mkdtemp(join(tmpdir(), 'jest-kubernetes-export-'));
  const bound = AbortSignal.any([signal, AbortSignal.timeout(EXPORT_MS)]);
  const exported = exportLogs(raw, bound);
  try {
    await endsBy(exported, bound).catch((error: unknown) => {
      bundle.notes.push(`kind export logs: ${messageOf(error).split('\n')[0] ?? ''}`);
    });
    for (const file of await readdir(raw, { recursive: true })) {
      const source = join(raw, file);
      const facts = await lstat(source);
      if (!facts.isFile()) continue;
      if (facts.size > FILE_BYTES) bundle.notes.push(`kind/${file}: left out, ${formatBytes(facts.size)}`);
      else await bundle.write(join('kind', relative(raw, source)), await readFile(source, 'utf8'));
    }
  } finally {
    await rm(raw, { recursive: true, force: true });
    // one that ended late may have written on
    void exported
      .catch(() => undefined)
      .finally(() => void rm(raw, { recursive: true, force: true }).catch(() => undefined));
  }
}

/** Removes all but the newest bundles; a folder of another shape is not ours. */
async function prune(directory: string): Promise<void> {
  const bundles = (await readdir(directory)).filter((name) => /^\d{8}T\d{6}Z-/.test(name)).sort();
  for (const name of bundles.slice(0, -KEPT))
    await rm(join(directory, name), { recursive: true, force: true });
}
