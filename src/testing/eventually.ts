import { stripVTControlCharacters } from 'node:util';

import { orAborted, pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { type Limits, Patience } from './patience.js';
import { currentScope } from './test-file.js';

/** Between two attempts, in milliseconds: at first, and at most. */
const pauses = { first: 50, longest: 1_000 };

/** How many different failures are told of those before the last. */
const toldBefore = 5;

export interface EventuallyOptions extends Limits {
  /** Between two attempts, in milliseconds. Default: from 50 ms to a second, longer each time. */
  interval?: number;
}

interface Failure {
  /** Its first line, as text without colours. */
  text: string;
  times: number;
  /** When it was seen first and last, in milliseconds from the start. */
  first: number;
  last: number;
}

/**
 * Tries a function until it does not throw: any `expect` in it is an assertion that may take its time.
 *
 * @returns what the function returns at last
 * @example
 * await eventually(async () => {
 *   const response = await fetch(url);
 *   expect(await response.text()).toContain('ready');
 * });
 * @throws the last failure, with how often it was tried and what failed before; WAIT_FAILED where an attempt never ended
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  using patience = new Patience(options);
  const failures: Failure[] = [];
  let last: unknown;
  let attempts = 0;
  const { signal: testEnds } = currentScope();
  for (let rest = options.interval ?? pauses.first; ; rest = Math.min(rest * 1.5, pauses.longest)) {
    attempts += 1;
    try {
      return await orAborted(Promise.resolve().then(attempt), patience.signal);
    } catch (error) {
      testEnds.throwIfAborted();
      const isCutShort = patience.signal.aborted && error === patience.signal.reason;
      if (isCutShort && last === undefined) throw neverEnded(patience, attempts);
      if (!isCutShort) {
        last = error;
        if (noted(failures, error, patience.passedMs)) patience.moved();
      }
    }
    if (!patience.signal.aborted)
      await pause(options.interval ?? rest, patience.signal).catch(() => undefined);
    testEnds.throwIfAborted();
    if (patience.signal.aborted) throw withHistory(last, history(patience, attempts, failures));
  }
}

/** @returns whether it differs from the one before */
function noted(failures: Failure[], error: unknown, now: number): boolean {
  const text = stripVTControlCharacters(words(error)).trim();
  const before = failures.at(-1);
  if (before?.text === text) {
    Object.assign(before, { times: before.times + 1, last: now });
    return false;
  }
  failures.push({ text, times: 1, first: now, last: now });
  return true;
}

/** What tells one failure from another: of an assertion what was received, else the first line. */
function words(error: unknown): string {
  const message = messageOf(error);
  const received = message.split('\n').find((line) => /^\W*Received\b/.test(stripVTControlCharacters(line)));
  return firstLine(received ?? message);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function history(patience: Patience, attempts: number, failures: readonly Failure[]): string {
  const before = failures.slice(0, -1).slice(-toldBefore);
  return [
    [`eventually: tried ${attempts} times in ${patience.passed}`, ...patience.reasons].join('; '),
    ...(before.length === 0
      ? ['it failed in this way each time']
      : [
          ...before.map(
            ({ text, times, first }) => `${seconds(first)}  ${text}${times > 1 ? ` (${times} times)` : ''}`,
          ),
          `${seconds(failures.at(-1)?.first ?? 0)}  as above`,
        ]),
  ].join('\n    ');
}

/** The same error, so that a matcher's difference is shown as ever; what a test threw that is no error becomes one. */
function withHistory(error: unknown, told: string): unknown {
  if (typeof error !== 'object' || error === null || !('message' in error))
    return new JestKubernetesError('WAIT_FAILED', `what was thrown: ${String(error)}`, {
      evidence: told.split('\n'),
    });
  const failure = error as { message: string; stack?: string };
  const message = `${failure.message}\n\n${told}`;
  const stack = failure.stack?.replace(failure.message, () => message);
  try {
    failure.message = message;
    if (stack !== undefined) failure.stack = stack;
  } catch {
    // one that cannot be changed is thrown as it is
  }
  return error;
}

function neverEnded(patience: Patience, attempts: number): JestKubernetesError {
  const which = attempts === 1 ? 'the first attempt' : `attempt ${attempts}`;
  return new JestKubernetesError(
    'WAIT_FAILED',
    `eventually: ${which} has not ended after ${patience.passed}`,
    {
      evidence: patience.reasons,
      remedy: 'Something in the function is awaited that never comes: give it a time limit of its own.',
    },
  );
}
