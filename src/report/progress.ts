/** Bytes on their way. */
export interface Bytes {
  done: number;
  /** Of how many; undefined where that is not known, or not known yet. */
  total?: number | undefined;
}

/** What is going on in a phase: words, or bytes, which a terminal shows as a bar. */
export type Detail = string | Bytes;

/** What a phase tells of itself while it runs. */
export interface Progress {
  /**
   * Something moved (a byte, an event, a status): the stall clock starts anew.
   * @param detail - what is going on now, short: bytes, or `3 of 7 objects`
   */
  moved(detail?: Detail): void;
  /** What the phase waits for now, shown after 10 s and named by a time-out; not progress by itself. */
  waitingFor(what: string): void;
  /** A line that stays on the screen, for something that a user should know (a retry, a fallback). */
  note(line: string): void;
}

/** For callers that need no progress. */
export const silent: Progress = { moved() {}, waitingFor() {}, note() {} };
