/** How often it looks, in milliseconds; a shorter limit is looked at as it ends. */
const lookEvery = 1000;

/**
 * A time limit that counts only while this process runs: not while the machine sleeps, its virtual machine is paused,
 * or the process is stopped (Ctrl-Z), after which everything that is waited for needs its own moment to go on. Node's
 * timers count some of that on some systems, and are all due at once when it is over.
 */
export class AwakeTimer implements Disposable {
  readonly #limit: number;
  readonly #onLimit: () => void;
  readonly #share: () => number;
  #passed = 0;
  #seen = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param limit - in milliseconds; `Infinity` where it only measures
   * @param share - how much of the time counts now, from 0 to 1. Default: all
   */
  constructor(limit: number, onLimit: () => void = () => undefined, share: () => number = () => 1) {
    this.#limit = limit;
    this.#onLimit = onLimit;
    this.#share = share;
    this.#look();
  }

  /** How long it has run since the start, or since it was started anew; in milliseconds. */
  get passed(): number {
    const now = performance.now();
    // one that is late by more than that was not late: it slept
    this.#passed += Math.min(now - this.#seen, 2 * lookEvery) * this.#share();
    this.#seen = now;
    return this.#passed;
  }

  restart(): void {
    this.#passed = 0;
    this.#seen = performance.now();
  }

  #look(): void {
    const left = this.#limit - this.passed;
    if (left <= 0) {
      this.#onLimit();
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#look();
      },
      Math.min(left, lookEvery),
    );
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
