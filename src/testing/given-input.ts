import { Readable } from 'node:stream';

import { AwakeTimer } from '../support/awake-timer.js';

/**
 * How long a program that has complained may take nothing more of its input, in milliseconds: one that has ended by then
 * leaves the rest unread, and Kubernetes may never tell that it has.
 */
const patience = 10_000;

/** A command's input, which tells when nobody reads it any more. */
export class GivenInput implements Disposable {
  readonly #stuck = new AbortController();
  readonly #still = new AwakeTimer(Infinity);
  readonly #looking: NodeJS.Timeout;
  readonly stream: Readable;

  constructor(input: Readable, complained: () => boolean) {
    const still = this.#still;
    const noted = async function* (): AsyncGenerator {
      for await (const chunk of input) {
        still.restart();
        yield chunk;
      }
    };
    this.stream = Readable.from(noted(), { objectMode: false });
    this.#looking = setInterval(() => {
      if (this.#still.passed > patience && complained())
        this.#stuck.abort(new Error('nothing more of the input is read'));
    }, 1_000);
  }

  /** Aborted where there was a complaint, and nothing is read after it. */
  get isStuck(): AbortSignal {
    return this.#stuck.signal;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking);
    this.#still[Symbol.dispose]();
  }
}
