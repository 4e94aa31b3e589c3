import { setTimeout as sleep } from 'node:timers/promises';

import { AwakeTimer } from '../support/awake-timer.js';
import { diagnose, type Diagnosis } from './causes.js';
import { downloadsIn, type Engine } from './engine.js';
import { observe, type ObserveOptions } from './observe.js';
import type { DiagnosisContext } from './snapshot.js';

export interface WatchOptions extends ObserveOptions {
  signal: AbortSignal;
  /** What the run knows, asked anew at each look. */
  context?: () => DiagnosisContext;
  /** Between two looks, in milliseconds. Default: 1000. */
  interval?: number;
}

/**
 * Looks at a namespace until a cause shows that waiting cannot heal. Meant to
 * run beside a wait, which ends at once with the cause instead of at its stall
 * limit:
 *
 * ```ts
 * const found = await Promise.race([ready, watchForCause({ access, namespace, signal })]);
 * ```
 *
 * @returns the cause; it never resolves while nothing is conclusive
 * @throws the signal's reason, once that is aborted
 */
export async function watchForCause(options: WatchOptions): Promise<Diagnosis> {
  const { signal, interval = 1_000 } = options;
  let settledAt = 0;
  // a machine that wakes up finds its cluster waking up too
  using silence = new AwakeTimer(Infinity);
  for (;;) {
    // a download tells how far it is, and never that waiting is in vain
    const snapshot = await observe({ ...options, downloads: false });
    const context = options.context?.() ?? {};
    // an image's absence counts from the moment on that no image is coming any more
    if (context.imageComing) settledAt = Date.now();
    const apiSilent = snapshot.api?.answers === false;
    if (!apiSilent) silence.restart();
    const found = diagnose(snapshot, {
      ...context,
      since: Math.max(settledAt, context.since ?? 0),
      ...(apiSilent && { apiSilentMs: silence.passed }),
    });
    if (found?.conclusive) return found;
    await sleep(interval, undefined, { signal });
  }
}

/**
 * Tells of what nodes download, each time that more of it is there: a long download stands still for whoever looks at pods
 * alone.
 * @param interval - between two looks, in milliseconds
 * @throws the signal's reason, once that is aborted
 */
export async function watchDownloads(
  engine: Engine,
  {
    signal,
    interval = 5_000,
    onMore,
  }: { signal: AbortSignal; interval?: number; onMore: (said: string) => void },
): Promise<never> {
  const known = new Map<string, number>();
  for (;;) {
    await sleep(interval, undefined, { signal });
    const downloads = await downloadsIn(engine, signal);
    const news = downloads.filter(({ node, ref, bytes }) => bytes > (known.get(`${node} ${ref}`) ?? 0));
    for (const { node, ref, bytes } of news) known.set(`${node} ${ref}`, bytes);
    const all = downloads.reduce((sum, { bytes }) => sum + bytes, 0);
    if (news.length > 0) onMore(`nodes download images: ${(all / 1e6).toFixed(1)} MB so far`);
  }
}
