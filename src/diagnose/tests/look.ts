import { stripVTControlCharacters } from 'node:util';

import type { V1Pod } from '@kubernetes/client-node';

import { type ClusterAccess, openApi } from '../../kubernetes/index.js';
import { orAborted } from '../../support/abort.js';
import { masker } from '../../support/mask.js';
import { secretsHeld } from '../bundle/secrets.js';
import { diagnose, type Diagnosis } from '../causes.js';
import { millis, seenAt, timesSeen } from '../events.js';
import { readLogs } from '../logs.js';
import { observe } from '../observe.js';
import { questions, reasonOf } from '../observe-cluster.js';
import { belonging, namespacesOf, type OwnedService } from '../scope.js';
import type { ContainerLog, Snapshot } from '../snapshot.js';
import { type Changed, changesSince } from './changes.js';
import { telling } from './format.js';
import { objectsOf, type TouchedObject } from './objects.js';
import { barOf } from './pod-bars.js';
import type { EventLine, LogLine, TestRecord } from './record.js';
import { makeFolder, writeTest } from './write.js';

const QUESTION_MS = 1_200;
const LOG_LINES = 500;
const LOG_BYTES = 256 * 1024;

/** A test that has failed, and what is known of it. Times in milliseconds since the epoch, by this machine's clock. */
export interface RedTest {
  /** The run's folder. */
  run: string;
  /** Relative to the folder that Jest was started in. */
  file: string;
  test: string;
  startedAt: number;
  /** As Jest shows it. */
  error: string;
  /** Undefined where neither it nor its file has made or touched anything. */
  access: ClusterAccess | undefined;
  namespaces: readonly string[];
  touched: readonly TouchedObject[];
  /** What was waited for in vain. */
  lacks: readonly string[];
  /** When other tests of the file ran: what was made meanwhile is theirs. */
  others: readonly { startedAt: number; endedAt: number }[];
  /** Ends the look: what is seen by then is told. */
  signal: AbortSignal;
}

export interface Look {
  diagnosis: Diagnosis | undefined;
  /** Absolute path of what was seen. */
  folder: string;
}

/**
 * Looks at what a failed test has made and touched, names the cause, and keeps what was seen.
 * @throws where its folder cannot be made
 */
export async function lookAtTest(red: RedTest): Promise<Look> {
  const endedAt = Date.now();
  const folder = makeFolder(red);
  const { access, signal, namespaces, touched } = red;
  const unseen: string[] = [];
  const attempt = async <T>(what: string, part: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await orAborted(part, signal);
    } catch (error) {
      unseen.push(`${what}: ${signal.aborted ? 'not done in time' : reasonOf(error)}`);
      return otherwise;
    }
  };
  let secrets: string[] = [];
  let objects: Changed[] = [];
  let snapshot: Snapshot | undefined;
  let logs: ContainerLog[] = [];
  if (access !== undefined) {
    using api = openApi(access, { ...questions, limit: QUESTION_MS, signal });
    const scope = { namespaces, objects: touched };
    const where = namespacesOf(scope) ?? [];
    [snapshot, objects, secrets] = await Promise.all([
      attempt<Snapshot | undefined>(
        'the cluster',
        observe({ access, scope, signal, downloads: false, timeout: QUESTION_MS }),
        undefined,
      ),
      attempt<Changed[]>('objects', objectsOf(api, namespaces, touched), []),
      Promise.all(
        where.map((each) => attempt<string[]>(`secrets of ${each}, to mask`, secretsHeld(api, [each]), [])),
      ).then((each) => each.flat()),
    ]);
    unseen.push(...(snapshot?.unseen ?? []));
    if (snapshot?.api?.answers === true) {
      snapshot = ofThisTest(snapshot, objects, red);
      const read = snapshot.pods.map((pod) =>
        readLogs(api, pod, logOptions(pod, red, snapshot?.clockAheadMs)),
      );
      logs = (await attempt('logs', Promise.all(read), [])).flat();
    }
  }
  const mask = masker(secrets);
  logs = logs.map((log) => ({ ...log, text: mask(log.text) }));
  const ahead = snapshot?.clockAheadMs ?? 0;
  const diagnosis = snapshot && diagnose(snapshot, { restarts: 1 });
  const record: TestRecord = {
    kind: 'test',
    ...{ file: red.file, test: red.test, startedAt: red.startedAt, endedAt },
    error: stripVTControlCharacters(red.error),
    cause: diagnosis && { ...diagnosis, evidence: telling(diagnosis.evidence) },
    lacks: red.lacks,
    pods: snapshot?.pods.map((pod) => shifted(barOf(pod, snapshot.takenAt), -ahead)) ?? [],
    events: snapshot
      ? eventsSince(snapshot, red.startedAt + ahead).map((each) => ({ ...each, at: each.at - ahead }))
      : [],
    logs: logs.flatMap(linesOf).map((each) => ({ ...each, at: each.at - ahead })),
    changes: changesSince(objects, red.startedAt + ahead).map((each) => ({ ...each, at: each.at - ahead })),
    ...{ unseen, folder: '' },
  };
  await writeTest({ red, folder, record, snapshot, objects, logs, mask }).catch(() => undefined);
  return { diagnosis, folder };
}

/** Without what was made while other tests of the file ran, unless this one has touched it. */
function ofThisTest(snapshot: Snapshot, objects: readonly Changed[], red: RedTest): Snapshot {
  const ahead = snapshot.clockAheadMs ?? 0;
  // times are told in whole seconds
  const second = (at: number) => Math.floor((at + ahead) / 1000);
  const isTouched = belonging({ namespaces: [], objects: red.touched }, objects);
  const isOthers = (pod: V1Pod | OwnedService) => {
    const created = millis(pod.metadata?.creationTimestamp) / 1000;
    if (created >= second(red.startedAt) || isTouched(pod)) return false;
    return red.others.some(
      ({ startedAt, endedAt }) => created >= second(startedAt) && created <= second(endedAt),
    );
  };
  const others = new Set(snapshot.pods.filter(isOthers));
  const uids = new Set([...others].map(({ metadata }) => metadata?.uid));
  return {
    ...snapshot,
    pods: snapshot.pods.filter((pod) => !others.has(pod)).map((pod) => asCrashed(pod, snapshot.takenAt)),
    services: (snapshot.services ?? []).filter((service) => !isOthers(service)),
    events: snapshot.events.filter(({ involvedObject }) => !uids.has(involvedObject.uid)),
  };
}

/** How long a container that has crashed must have run again to be believed, in milliseconds. */
const PROBATION_MS = 10_000;

/** A pod that was started again a moment ago is ready where nothing asks whether it is: it has crashed all the same. */
function asCrashed(pod: V1Pod, now: number): V1Pod {
  const crashed = pod.status?.containerStatuses?.filter(
    ({ state, lastState }) =>
      (lastState?.terminated?.exitCode ?? 0) !== 0 &&
      state?.running !== undefined &&
      now - millis(state.running.startedAt) < PROBATION_MS,
  );
  if (crashed === undefined || crashed.length === 0) return pod;
  for (const status of crashed) status.ready = false;
  for (const condition of pod.status?.conditions ?? [])
    if (condition.type === 'Ready') condition.status = 'False';
  return pod;
}

/** Since the test began; of a pod that has not lived so long, all. */
function logOptions(pod: V1Pod, red: RedTest, ahead = 0) {
  const since = red.startedAt + ahead;
  const isOlder = millis(pod.metadata?.creationTimestamp) < since - 1000;
  return {
    ...{ lines: LOG_LINES, bytes: LOG_BYTES, timestamps: true as const },
    ...(isOlder && { sinceTime: new Date(since).toISOString() }),
  };
}

const shifted = (bar: ReturnType<typeof barOf>, by: number) => ({
  ...bar,
  parts: bar.parts.map((part) => ({ ...part, from: part.from + by, to: part.to + by })),
});

export function eventsSince({ events }: Pick<Snapshot, 'events'>, since: number): EventLine[] {
  return events
    .filter((event) => seenAt(event) >= since - 1000)
    .map((event) => ({
      at: seenAt(event),
      object: `${event.involvedObject.kind ?? ''} ${event.involvedObject.name ?? ''}`,
      reason: event.reason ?? '',
      message: (event.message ?? '').trim(),
      times: timesSeen(event),
      isWarning: event.type === 'Warning',
    }))
    .sort((a, b) => a.at - b.at);
}

/** A log's lines, each of which begins with its time. */
export function linesOf({ pod, container, previous, text }: ContainerLog): LogLine[] {
  const source = `${pod}/${container}${previous ? ' (previous)' : ''}`;
  return text.split('\n').flatMap((line) => {
    const space = line.indexOf(' ');
    const at = Date.parse(line.slice(0, space === -1 ? undefined : space));
    return Number.isNaN(at) ? [] : [{ at, source, text: space === -1 ? '' : line.slice(space + 1) }];
  });
}
