import { freemem, totalmem } from 'node:os';

import type { ClusterLease } from '../../cluster/index.js';
import { pause } from '../../support/abort.js';

type State = 'running' | 'paused';

export interface Standby {
  lease: Pick<ClusterLease, 'isHeld' | 'rest'>;
  /** Has the cluster's containers stand still, or go on. */
  rest: (state: State) => Promise<void>;
  /** Of the machine's memory, how much is there for those who ask, from 0 to 1. */
  freeMemory?: () => number;
  /** In milliseconds. */
  times?: StandbyTimes;
}

interface StandbyTimes {
  /** How long it is held for whoever may come. */
  total: number;
  /**
   * How long it stands still at a time: Kubernetes takes a node for lost that has been silent for 50 s
   * (kube-controller-manager, `--node-monitor-grace-period`), and its leases of leader election end after 15 s.
   */
  still: number;
  /** How long it then runs, so that each has told that it lives. */
  awake: number;
  /** How often it is looked whether somebody has come: a file is read. */
  look: number;
}

const defaults: StandbyTimes = { total: 60 * 60 * 1000, still: 25_000, awake: 2000, look: 250 };

/** Below that the cluster goes: whoever works at the machine needs it more. */
const leastFree = 0.1;

/** Of all memory, what is there without anything being swapped out (Linux: MemAvailable). */
const freeHere = (): number => freemem() / totalmem();

/**
 * Holds a cluster that is ready for the next run, its containers paused, until somebody has taken it or it is no use any
 * more. They go on then, unless somebody else has them by then. @returns why
 */
export async function standBy(
  { lease, rest, freeMemory = freeHere, times = defaults }: Standby,
  signal: AbortSignal,
): Promise<string> {
  const tell = (state: State): Promise<boolean> => lease.rest(state, () => rest(state));
  const taken = 'somebody has taken it';
  const until = performance.now() + times.total;
  for (;;) {
    if (!(await tell('paused'))) return taken;
    const end = performance.now() + times.still;
    let reason: string | undefined;
    while (reason === undefined && performance.now() < end) {
      if (!lease.isHeld) return taken;
      if (freeMemory() < leastFree) reason = 'memory is short';
      else if (performance.now() >= until) reason = 'nobody has come';
      else await pause(times.look, signal);
    }
    if (!(await tell('running'))) return taken;
    if (reason !== undefined) return reason;
    await pause(times.awake, signal);
  }
}
