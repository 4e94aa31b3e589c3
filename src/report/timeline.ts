import type { Outcome } from './line.js';

/** What a phase did and when, in milliseconds since the first one's start. */
export interface TimelineEntry {
  phase: string;
  start: number;
  end: number;
  outcome: Exclude<Outcome, 'running'>;
  detail: string;
}
