import { stripVTControlCharacters } from 'node:util';

import { masker } from '../support/mask.js';
import { cut, inColumns, inWords } from './bar.js';
import { formatSeconds } from './format.js';
import type { Detail, Progress } from './progress.js';

/** What a build, a hook or kind prints is shown, and kept in a CI's logs. */
const masked = masker();

/** A wait longer than this says what it waits for. */
export const silenceLimit = 10_000;

export type Outcome = 'running' | 'done' | 'failed' | 'cancelled';

const marks = { running: '•', done: '✓', failed: '✗', cancelled: '-' } as const satisfies Record<
  Outcome,
  string
>;

/** The least width of the column of titles, so that lines that come one by one stand below each other. */
const titleWidth = 34;
const timeWidth = 8;
/** The mark with its blanks, and those around the time. */
const betweenColumns = 3 + 1 + 2;
/** What a bar with its amounts takes: a longer title gives way to it. */
const barWidth = 24;

/** One phase as its reader sees it: what it is, how long it took or takes, and what is going on. */
export class PhaseLine implements Progress {
  outcome: Outcome = 'running';
  readonly #onChange: (line: PhaseLine, note?: string) => void;
  readonly #started = performance.now();
  #ended: number | undefined;
  #detail: Detail = '';
  #awaited = '';
  #lastMove = this.#started;

  constructor(
    readonly title: string,
    onChange: (line: PhaseLine, note?: string) => void,
  ) {
    this.#onChange = onChange;
  }

  moved(detail?: Detail): void {
    if (detail !== undefined) this.#detail = detail;
    this.#lastMove = performance.now();
  }

  waitingFor(what: string): void {
    this.#awaited = what;
  }

  note(text: string): void {
    this.#onChange(this, text);
  }

  /** Ends the line with what is worth knowing of it, such as `98 MB`. */
  end(outcome: Exclude<Outcome, 'running'>, detail = ''): void {
    this.outcome = outcome;
    this.#detail = detail;
    this.#ended = performance.now();
    this.#onChange(this);
  }

  get elapsed(): number {
    return (this.#ended ?? performance.now()) - this.#started;
  }

  /** What the phase says of itself now, without secrets, and without what would move a terminal's cursor. */
  get status(): Detail {
    const status = this.#status();
    if (typeof status !== 'string') return status;
    return masked(stripVTControlCharacters(status).replace(/\p{Cc}+ */gu, ' '));
  }

  #status(): Detail {
    if (this.outcome !== 'running') return this.#detail;
    const quiet = performance.now() - this.#lastMove >= silenceLimit || this.#detail === '';
    return quiet && this.#awaited !== '' && this.elapsed >= silenceLimit
      ? `waiting for ${this.#awaited}`
      : this.#detail;
  }

  /** As a log has it, and as it stays on a terminal. */
  render(): string {
    return this.#columns(marks[this.outcome], this.title.padEnd(titleWidth), inWords(this.status));
  }

  /** While it runs, in one line of a terminal, whose last column stays free. */
  renderIn(columns: number, mark: string): string {
    const room = columns - 1 - betweenColumns - timeWidth;
    const widest = Math.max(Math.min(titleWidth, room), room - barWidth);
    const title = cut(this.title, widest).padEnd(Math.min(titleWidth, widest));
    return cut(this.#columns(mark, title, inColumns(this.status, room - title.length)), columns - 1);
  }

  #columns(mark: string, title: string, status: string): string {
    const head = ` ${mark} ${title} ${formatSeconds(this.elapsed).padStart(timeWidth)}`;
    return status === '' ? head : `${head}  ${status}`;
  }
}
