import { masker } from '../support/mask.js';
import { formatSeconds } from './format.js';
import type { Progress } from './progress.js';

/** What a build, a hook or kind prints is shown, and kept in a CI's logs. */
const masked = masker();

/** A wait longer than this says what it waits for. */
export const silenceLimit = 10_000;

export type Outcome = 'running' | 'done' | 'failed' | 'cancelled';

const marks = { running: '•', done: '✓', failed: '✗', cancelled: '-' } as const satisfies Record<
  Outcome,
  string
>;

/** One phase as its reader sees it: what it is, how long it took or takes, and what is going on. */
export class PhaseLine implements Progress {
  outcome: Outcome = 'running';
  readonly #onChange: (line: PhaseLine, note?: string) => void;
  readonly #started = performance.now();
  #ended: number | undefined;
  #detail = '';
  #awaited = '';
  #lastMove = this.#started;

  constructor(
    readonly title: string,
    onChange: (line: PhaseLine, note?: string) => void,
  ) {
    this.#onChange = onChange;
  }

  moved(detail?: string): void {
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

  /** What the phase says of itself now, without secrets. */
  get status(): string {
    return masked(this.#status());
  }

  #status(): string {
    if (this.outcome !== 'running') return this.#detail;
    const quiet = performance.now() - this.#lastMove >= silenceLimit || this.#detail === '';
    return quiet && this.#awaited !== '' && this.elapsed >= silenceLimit
      ? `waiting for ${this.#awaited}`
      : this.#detail;
  }

  render(width: number, mark: string = marks[this.outcome]): string {
    const head = ` ${mark} ${this.title.padEnd(width)} ${formatSeconds(this.elapsed).padStart(8)}`;
    return this.status === '' ? head : `${head}  ${this.status}`;
  }
}
