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
