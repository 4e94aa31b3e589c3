import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { type Clock, systemClock } from './clock.js';
import { LeaseObjects, leaseSeconds } from './lease-objects.js';
import { openRunApi } from './run-folder.js';

/** Between two renewals, in milliseconds. */
const beatEvery = (leaseSeconds * 1000) / 3;
/** After one that failed, in milliseconds: the API server may be restarting. Also how soon a sleep is noticed. */
const againAfter = 2000;

/** Whose lease is renewed, and where its kubeconfig is. */
export interface Beating {
  folder: string;
  name: string;
  runId: string;
}

interface HeartListener {
  /** @param at - by the API server's clock, in milliseconds */
  onRenewed(at: number): void;
  /** The lease is gone, and nothing renews it any more. */
  onGone(): void;
}

export interface Heart {
  /** Nothing is renewed from then on. */
  stop(): Promise<void>;
}

export type StartHeart = (beating: Beating, listener: HeartListener) => Heart;

/** What the thread says: the time of a renewal, or that there is nothing to renew. */
export type HeartMessage = number | 'gone';

/**
 * Renews a run's lease in a thread of its own: Jest's own is busy for as long as a test in band, a transform or
 * `execSync` takes, and stands still at a breakpoint. It keeps no process from ending.
 */
export const startHeart: StartHeart = (beating, listener) => {
  const worker = new Worker(path.join(__dirname, 'heart-thread.js'), { workerData: beating });
  worker.unref();
  const stopped = new AbortController();
  const say = (message: HeartMessage): void => {
    if (stopped.signal.aborted) return;
    if (message === 'gone') listener.onGone();
    else listener.onRenewed(message);
  };
  worker.on('message', say);
  worker.on('error', () => {
    // where there is no thread to be had, as well as can be done without
    beat(beating, say, stopped.signal).catch(() => undefined);
  });
  return {
    async stop() {
      stopped.abort();
      await worker.terminate();
    },
  };
};

/** Renews until the signal ends it, over a connection of its own. */
export async function beat(
  { folder, name, runId }: Beating,
  say: (message: HeartMessage) => void,
  signal?: AbortSignal,
): Promise<void> {
  using api = openRunApi(folder, name);
  await keepBeating(new LeaseObjects(api, name), runId, { clock: systemClock, say, signal });
}

/** Renews until the signal ends it, or there is nothing to renew. */
export async function keepBeating(
  objects: LeaseObjects,
  runId: string,
  {
    clock,
    signal,
    say,
  }: { clock: Clock; signal?: AbortSignal | undefined; say: (message: HeartMessage) => void },
): Promise<void> {
  for (let wait = beatEvery; ;) {
    await pauseAwake(wait, clock, signal);
    try {
      const at = await objects.renewRun(runId, { limit: beatEvery });
      if (at === undefined) {
        say('gone');
        return;
      }
      say(at);
      wait = beatEvery;
    } catch {
      wait = againAfter;
    }
  }
}

/** A pause that a sleep of the machine ends: it may have been taken for dead meanwhile, and has to find out. */
async function pauseAwake(
  milliseconds: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = clock.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - clock.now()) {
    const before = clock.date();
    await clock.pause(Math.min(left, againAfter), signal);
    if (clock.date() - before > 2 * againAfter) return;
  }
}
