/** What a phase tells of itself while it runs. */
export interface Progress {
  /**
   * Something moved (a byte, an event, a status): the stall clock starts anew.
   * @param detail - what is going on now, short: `31 of 98 MB`
   */
  moved(detail?: string): void;
  /** What the phase waits for now, shown after 10 s and named by a time-out; not progress by itself. */
  waitingFor(what: string): void;
  /** A line that stays on the screen, for something that a user should know (a retry, a fallback). */
  note(line: string): void;
}

/** For callers that need no progress. */
export const silent: Progress = { moved() {}, waitingFor() {}, note() {} };
