import { pause } from '../../support/abort.js';

/** The time that a process waits by; a simulation has its own. */
export interface Clock {
  /** Milliseconds from a moment of its own on. */
  now(): number;
  /** The machine's date, in milliseconds: it goes on while the machine sleeps, and may jump. */
  date(): number;
  /** @throws the signal's AbortError at once when it is aborted */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = { now: () => performance.now(), date: () => Date.now(), pause };

/** Longer each time, and with some luck in it: those who came in each other's way part. In milliseconds. */
export const backoff = (attempt: number, longest: number): number =>
  Math.min(longest, 20 * 2 ** attempt) * (0.5 + Math.random() / 2);
