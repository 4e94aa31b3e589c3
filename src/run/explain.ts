import type { Config } from '../config/index.js';
import type { TimelineEntry } from './phases.js';
import type { RunContext } from './plan.js';

export interface FailedRun {
  runId: string;
  config: Config;
  /** Undefined where the run failed before it had a cluster. */
  context: RunContext | undefined;
  timeline: readonly TimelineEntry[];
}

/** A failure with its likely cause, and the bundle that holds all that was seen. */
export function explain(error: unknown, _run: FailedRun): Promise<unknown> {
  return Promise.resolve(error);
}
