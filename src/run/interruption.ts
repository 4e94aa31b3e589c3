import { constants } from 'node:os';

import { JestKubernetesError } from '../support/errors.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type InterruptingSignal = (typeof signals)[number];

/** Nothing comes of it: the process is about to end. */
const never = new Promise<never>(() => undefined);

/**
 * Turns Ctrl-C and its kin into an orderly end: the first calls `end` and then ends the process as the signal would
 * have, the second ends it at once and leaves the rest to the watchdog.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #listeners = new Map<InterruptingSignal, () => void>();

  constructor(end: (signal: InterruptingSignal) => Promise<void>) {
    for (const name of signals) {
      const listener = (): void => {
        if (this.#controller.signal.aborted) {
          process.exit(128 + constants.signals[name]);
        }
        this.#controller.abort(new JestKubernetesError('INTERRUPTED', `The run was ended by ${name}`));
        void end(name).finally(() => {
          this.dispose();
          // the signal's own end, so that a shell sees it: whoever else listens has heard it when it came
          process.removeAllListeners(name);
          process.kill(process.pid, name);
          setTimeout(() => process.exit(128 + constants.signals[name]), 200);
        });
      };
      this.#listeners.set(name, listener);
      process.on(name, listener);
    }
  }

  /** Aborted at the first signal, with an INTERRUPTED error. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Does not come back from an interruption: whoever goes on would end the process before its end is in order. */
  async holdUp(): Promise<void> {
    if (this.#controller.signal.aborted) await never;
  }

  dispose(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
    this.#listeners.clear();
  }
}
