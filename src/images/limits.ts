import type { Limits } from '../config/config.js';
import { formatSeconds } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';

interface Step {
  signal: AbortSignal;
  /** Something moved: the stall clock starts anew. */
  moved(): void;
}

/**
 * Does one piece of work within its limits.
 * @param what - as it stands in a sentence: `The pull of postgres:17-alpine`
 * @param state - how far it came, for the error's evidence
 * @throws JestKubernetesError STALLED or TIMED_OUT; the signal's reason; what the work throws
 */
export async function withinLimits<T>(
  { limits, signal, what, state }: { limits: Limits; signal: AbortSignal; what: string; state: () => string },
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const exceeded = (code: 'STALLED' | 'TIMED_OUT', sentence: string): void => {
    limit.abort(new JestKubernetesError(code, sentence, { evidence: [state()] }));
  };
  const stall = setTimeout(() => {
    exceeded('STALLED', `${what} has not moved for ${formatSeconds(limits.stall)}`);
  }, limits.stall);
  const total = setTimeout(() => {
    exceeded('TIMED_OUT', `${what} was not done within ${formatSeconds(limits.total)}`);
  }, limits.total);
  const bound = AbortSignal.any([signal, limit.signal]);
  try {
    return await work({ signal: bound, moved: () => stall.refresh() });
  } catch (error) {
    // what work throws when it is aborted is an echo of the reason
    bound.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(stall);
    clearTimeout(total);
  }
}
