import { setTimeout as delay } from 'node:timers/promises';

import { ApiError, NoAnswer } from './api-error.js';
import type { Bound } from './bound.js';

/** Before each further attempt, in milliseconds, where the server does not say when. */
const pauses = [100, 200, 400, 800];
/** A server that asks for more patience than that is not well; in milliseconds. */
const longestPause = 10_000;

/** What passes by itself: statuses of answers, and codes of connections that failed. */
const passing = {
  /** The request was certainly not done. */
  undone: [429, 'ECONNREFUSED', 'EAI_AGAIN'],
  /** It may have been done. */
  unknown: [500, 502, 503, 504, 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'],
};

/**
 * Attempts a request again, a few times, where what failed passes by itself.
 * @param options.repeatable - doing it twice does what doing it once does
 */
export async function retried<T>(
  attempt: () => Promise<T>,
  { repeatable, bound }: { repeatable: boolean; bound: Bound },
): Promise<T> {
  for (const usual of pauses) {
    try {
      return await attempt();
    } catch (error) {
      // some luck in it, so that those who were refused together do not come back together
      const pause = retryAfterOf(error) ?? usual * (0.75 + Math.random() / 2);
      if (!passes(error, repeatable) || pause > Math.min(longestPause, bound.left)) throw error;
      await delay(pause, undefined, { signal: bound.signal });
    }
  }
  return attempt();
}

/** Whether what a request failed with may pass by itself: the server is not well, or not to be reached for a while. */
export const passesByItself = (error: unknown): boolean =>
  error instanceof NoAnswer ||
  passes(error, true) ||
  unreached.has((error as NodeJS.ErrnoException).code ?? '');

/** A network that is down, or was changed; not worth a second's wait, but worth a minute's. */
const unreached = new Set(['ENOTFOUND', 'ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT']);

function passes(error: unknown, repeatable: boolean): boolean {
  const sign = error instanceof ApiError ? error.status : (error as NodeJS.ErrnoException).code;
  if (sign === undefined) return false;
  return passing.undone.includes(sign) || (repeatable && passing.unknown.includes(sign));
}

const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof ApiError ? error.retryAfter : undefined;

/** The other end hung up, in the middle of an answer or before it. */
export const isCut = (error: unknown): boolean =>
  ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '');
