// not the global timers, which a test's fake clock may have replaced
import { clearTimeout, setTimeout } from 'node:timers';

import { NoAnswer } from './api-error.js';

/** What ends a request before its answer does: its limit, and its caller's signal. */
export class Bound implements Disposable {
  readonly #ended = new AbortController();
  readonly #end: number;
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#ended.abort(this.#caller?.reason);
  };

  /** @param limit - in milliseconds */
  constructor(limit: number, caller?: AbortSignal) {
    this.#caller = caller;
    this.#end = performance.now() + limit;
    this.#timer = setTimeout(() => {
      this.#ended.abort(new NoAnswer(limit));
    }, limit);
    if (caller?.aborted === true) this.#onAbort();
    else caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Until the limit, in milliseconds. */
  get left(): number {
    return this.#end - performance.now();
  }

  /** From now on only the caller ends it. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.lift();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}
