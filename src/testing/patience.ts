import { AwakeTimer } from '../support/awake-timer.js';
import { parseDuration } from '../support/duration.js';
import { JestKubernetesError } from '../support/errors.js';
import { currentScope } from './test-file.js';

/** How long a wait may take, each in milliseconds or as text such as `30s`. */
export interface Limits {
  /** Without anything that changes. Default: 90 s. */
  stall?: number | string;
  /** In all. Default: as long as the test may take; its own time-out ends it a little before that comes, to say why. */
  total?: number | string;
}

const usualStall = 90_000;
/** Where nothing tells when Jest gives up: outside of tests, and in a test environment that is not ours. */
const usualTotal = 55_000;

function milliseconds(name: 'stall' | 'total', value: number | string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const parsed = parseDuration(value);
  if (parsed !== undefined) return parsed;
  throw new JestKubernetesError('TARGET_INVALID', `${name}: ${JSON.stringify(value)} is no duration`, {
    remedy: 'Write milliseconds, or text such as ‘30s’ or ‘2m’.',
  });
}

/** How long may still be waited here, in milliseconds, so that there is time left to say why it was in vain. */
function leftOfTest(): number {
  const { deadline } = currentScope();
  if (deadline === undefined) return usualTotal;
  const left = deadline - performance.now();
  return Math.max(0, left - Math.min(2_000, left / 10));
}

/** The limits of one wait, counted from now on. */
export class Patience implements Disposable {
  readonly #ended = new AbortController();
  readonly #timers: AwakeTimer[];
  readonly #start = performance.now();
  #why: string | undefined;

  constructor({ stall, total }: Limits = {}) {
    const own = milliseconds('total', total) ?? Infinity;
    const test = leftOfTest();
    const quiet = milliseconds('stall', stall) ?? usualStall;
    const end = (why: string) => () => {
      this.#why ??= why;
      this.#ended.abort(new Error(why));
    };
    this.#timers = [
      new AwakeTimer(Math.min(own, test), end(own <= test ? '' : 'the test’s own time-out is near')),
      new AwakeTimer(quiet, end(`nothing has changed for ${quiet / 1000} s`)),
    ];
  }

  /** Aborted at the limits, and as the test ends in which it began. */
  readonly signal = AbortSignal.any([this.#ended.signal, currentScope().signal]);

  /** Whether a limit has ended it. */
  get isOver(): boolean {
    return this.#why !== undefined;
  }

  /** Which limit has ended it, in words; none where it is the caller's own `total`, or none has. */
  get reasons(): string[] {
    return [this.#why ?? ''].filter((why) => why !== '');
  }

  /** How long it has been waited, as text: `12.3 s`. */
  get passed(): string {
    return `${((performance.now() - this.#start) / 1000).toFixed(1)} s`;
  }

  get passedMs(): number {
    return performance.now() - this.#start;
  }

  /** Something has changed. */
  moved(): void {
    this.#timers[1]?.restart();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }
}
