import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';

import { millis } from '../events.js';
import { statusesOf } from '../snapshot.js';
import type { PodBar } from './record.js';

/** What a container that has not started yet will not get over by itself. */
const troubled = /Err|BackOff|Invalid|Unavailable/;

type Part = PodBar['parts'][number];

/** The life of a pod as one bar: waiting for a node, its containers' lives, and what it waits for now. */
export function barOf(pod: V1Pod, now: number): PodBar {
  const { metadata, status } = pod;
  const created = millis(metadata?.creationTimestamp);
  const parts: Part[] = [];
  const statuses = statusesOf(pod);
  for (const { name, state, lastState, ready } of statuses) {
    for (const life of [lastState, state]) {
      const part = life && partOf(name, life, { ready, now });
      if (part !== undefined) parts.push(part);
    }
  }
  const first = Math.min(now, ...parts.map(({ from }) => from));
  const waiting = statuses.find(({ state }) => state?.waiting)?.state?.waiting;
  if (first > created)
    parts.push({
      from: created,
      to: first,
      state: parts.length === 0 && troubled.test(waiting?.reason ?? '') ? 'waiting' : 'pending',
      what: parts.length === 0 ? (waiting?.reason ?? status?.phase ?? 'Pending') : 'starts',
    });
  const last = Math.max(first, ...parts.map(({ to }) => to));
  if (waiting !== undefined && last < now)
    parts.push({ from: last, to: now, state: 'waiting', what: waiting.reason ?? 'waits' });
  return {
    name: `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
    parts: parts.sort((a, b) => a.from - b.from),
  };
}

function partOf(
  name: string,
  { running, terminated }: V1ContainerState,
  { ready, now }: { ready: boolean; now: number },
): Part | undefined {
  if (running)
    return {
      from: millis(running.startedAt),
      to: now,
      state: ready ? 'ready' : 'running',
      what: `${name} ${ready ? 'is ready' : 'runs'}`,
    };
  if (!terminated?.startedAt) return undefined;
  const { exitCode, reason } = terminated;
  return {
    // one that could not even be started says 1970
    from: millis(terminated.startedAt) || millis(terminated.finishedAt),
    to: millis(terminated.finishedAt),
    state: exitCode === 0 ? 'done' : 'failed',
    what: `${name} ended: ${reason ?? ''}, exit code ${String(exitCode)}`,
  };
}
