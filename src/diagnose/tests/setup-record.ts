import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { BundleOptions } from '../bundle/options.js';
import { masked } from '../masked.js';
import { type ContainerLog, isWell, type Snapshot } from '../snapshot.js';
import { eventsSince, linesOf } from './look.js';
import { barOf } from './pod-bars.js';
import type { TestRecord } from './record.js';

/** How many lines of logs: the last of each container, and of all. */
const shown = { lines: 200, perPod: 40 };

/** A setup that failed, as the page of the run shows it: with the pods that are not well, and what was seen of them. */
export function setupRecord(
  { error, startedAt = Date.now(), timeline }: BundleOptions,
  mask: (text: string) => string,
  snapshot: Snapshot,
  logs: readonly ContainerLog[],
): TestRecord {
  const ahead = snapshot.clockAheadMs ?? 0;
  const ill = snapshot.pods.filter((pod) => !isWell(pod));
  const names = new Set(ill.map(({ metadata }) => metadata?.name));
  const failed = timeline.find(({ outcome }) => outcome === 'failed');
  const record: TestRecord = {
    ...{ kind: 'test', file: '', test: failed === undefined ? 'The setup' : `The setup: ${failed.phase}` },
    startedAt: startedAt + (failed?.start ?? 0),
    endedAt: startedAt + (failed?.end ?? 0),
    error: messageOf(error),
    // which a diagnosis is part of, where there is one
    cause:
      error instanceof JestKubernetesError
        ? { code: error.code, sentence: error.message, evidence: error.evidence, remedy: error.remedy }
        : undefined,
    ...{ lacks: [], changes: [], folder: '', unseen: snapshot.unseen },
    pods: ill
      .map((pod) => barOf(pod, snapshot.takenAt))
      .map(({ name, parts }) => ({
        name,
        parts: parts.map((part) => ({ ...part, from: part.from - ahead, to: part.to - ahead })),
      })),
    events: eventsSince(
      { events: snapshot.events.filter(({ involvedObject }) => names.has(involvedObject.name)) },
      0,
    ).map((each) => ({ ...each, at: each.at - ahead })),
    logs: logs
      .filter(({ pod }) => names.has(pod))
      .flatMap((log) => linesOf({ ...log, text: mask(log.text) }).slice(-shown.perPod))
      .map((each) => ({ ...each, at: each.at - ahead }))
      .slice(-shown.lines),
  };
  return masked(record, mask);
}
