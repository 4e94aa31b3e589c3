/** What the page of a run is made from: one small JSON file beside what it tells of. Times in milliseconds since the epoch. */
export interface TestRecord {
  kind: 'test';
  /** Relative to the folder that Jest was started in. */
  file: string;
  test: string;
  startedAt: number;
  endedAt: number;
  /** As Jest shows it, without colours. */
  error: string;
  cause:
    { code: string; sentence: string; evidence: readonly string[]; remedy: string | undefined } | undefined;
  /** What was waited for in vain. */
  lacks: readonly string[];
  pods: readonly PodBar[];
  events: readonly EventLine[];
  logs: readonly LogLine[];
  changes: readonly ChangeLine[];
  /** What could not be had, and why. */
  unseen: readonly string[];
  /** The folder, relative to the run's. */
  folder: string;
}

/** The tests of a file in which one has failed. */
export interface FileRecord {
  kind: 'file';
  file: string;
  startedAt: number;
  endedAt: number;
  tests: readonly TestOfFile[];
}

interface TestOfFile {
  name: string;
  startedAt: number;
  endedAt: number;
  failed: boolean;
  /** Where in its file it failed, counted from 1. */
  line?: number | undefined;
  /** The words that stand under its failure. */
  cause?: string | undefined;
}

export interface PodBar {
  name: string;
  parts: readonly {
    from: number;
    to: number;
    state: 'pending' | 'waiting' | 'running' | 'ready' | 'failed' | 'done';
    what: string;
  }[];
}

export interface EventLine {
  at: number;
  object: string;
  reason: string;
  message: string;
  times: number;
  isWarning: boolean;
}

export interface LogLine {
  at: number;
  /** `web-5f7c/app`, with `previous` where it is of the life before. */
  source: string;
  text: string;
}

export interface ChangeLine {
  at: number;
  object: string;
  what: string;
}

export const recordFile = 'record.json';
