import { createRequire } from 'node:module';
import { inspect } from 'node:util';

import { isBundleLine } from '../support/pages.js';
import type * as RedTest from '../testing/red-test.js';
import { currentTestFile, endTestFile, markFailed } from '../testing/test-file.js';

/** A list in which jest-circus keeps what a test, or a hook, has failed with: the error, and where the test was defined. */
export type Errors = unknown[];

/** Loads at the moment of use: a green test pays nothing for it. */
const requireLater = createRequire(__filename);

/** Where Jest says that a failure's message ends. */
const stackBegins = /\n\s*at\s.*:\d*:\d*/;

const told = new WeakSet();

/** What Jest shows of something thrown that is no error: a time-out is a text. */
const thrown = (value: unknown): string =>
  `thrown: ${typeof value === 'string' ? `"${value}"` : inspect(value, { depth: 3 })}`;

const under = (stack: string, words: string): string => {
  const end = stackBegins.exec(stack)?.index ?? stack.length;
  const indented = words
    .split('\n')
    // a line that begins as one of a stack would end the message
    .map((line) => line.replace(/^(\s*)at /, '$1· at '))
    .join('\n');
  return `${stack.slice(0, end).trimEnd()}\n\njest-kubernetes: ${indented}${stack.slice(end)}`;
};

/** The cause that was put under a failure; undefined where none is known. */
export function causeIn(failure: string): string | undefined {
  const [, words] = failure.split('\n\njest-kubernetes: ');
  // the path alone is of the machine that it lies on
  if (words === undefined || isBundleLine(words)) return undefined;
  return words.slice(0, stackBegins.exec(words)?.index).trimEnd();
}

/** Where a failure's stack enters the test file; undefined where it does not. */
export function lineIn(failure: string, testFile: string): number | undefined {
  const [, behind] = failure.split(`${testFile}:`);
  const line = Number.parseInt(behind ?? '', 10);
  return Number.isNaN(line) ? undefined : line;
}

/** What was thrown last, and where the test was defined, where Jest has kept that beside it. */
function lastOf(errors: Errors): [error: unknown, place: unknown] {
  const entry = errors.at(-1);
  return (Array.isArray(entry) ? entry : [entry]) as [unknown, unknown];
}

/** Puts words under a failure's own, before its stack, so that they are shown wherever the failure is. */
function putUnder(errors: Errors, words: string): void {
  const [error, place] = lastOf(errors);
  const failure = Object(error) as { message?: string; stack?: string };
  if (typeof failure.stack === 'string' && failure.stack !== '') {
    if (told.has(failure)) return;
    told.add(failure);
    const stack = under(failure.stack, words);
    try {
      failure.stack = stack;
    } catch {
      // one that cannot be changed is shown by a copy
    }
    if (failure.stack === stack) return;
    const copy = Object.create(failure, { stack: { value: stack, configurable: true } }) as unknown;
    errors[errors.length - 1] = [copy, place];
    return;
  }
  const message = failure.message ?? thrown(error);
  const { stack: where = '' } = Object(place) as { stack?: string };
  const shown = new Error(message);
  shown.stack = under(`${message}${where.slice(stackBegins.exec(where)?.index ?? where.length)}`, words);
  errors[errors.length - 1] = [shown, place];
}

/** As Jest will show it, without colours and frames. */
function textOf(errors: Errors): { error: unknown; text: string } {
  const [error] = lastOf(errors);
  const { stack, message } = Object(error) as { stack?: string; message?: string };
  const whole = stack ?? message ?? thrown(error);
  return { error, text: whole.slice(0, stackBegins.exec(whole)?.index) };
}

/** Jest shows the cause below its error: where an error of ours has told it already, it is not told again. */
function tellOnce(errors: Errors): void {
  const error = Object(lastOf(errors)[0]) as Error;
  const { message } = Object(error.cause) as { message?: string };
  if (error.name !== 'JestKubernetesError' || message === undefined) return;
  if (error.stack?.includes(message) === true) Reflect.deleteProperty(error, 'cause');
}

/** What has failed, and with what. */
export interface FailedWith {
  name: string;
  /** The lists whose last entry is this failure. */
  lists: readonly Errors[];
  /** Of a hook, when it began, in milliseconds since the epoch. */
  startedAt?: number | undefined;
}

/** What a `beforeAll` has failed with it has failed with for all its tests, which an environment not ours meets singly. */
const ofHooks = new WeakMap<object, string | undefined>();

/**
 * A test, or a hook, has just failed for good (it is not tried again), and nothing of it is undone yet: looks for the
 * cause, and tells it under the failure. Never rejects.
 */
export async function testFailed({ name, lists, startedAt }: FailedWith): Promise<void> {
  const [first] = lists;
  if (first === undefined) return;
  const failedAt = performance.now();
  markFailed();
  for (const list of lists) tellOnce(list);
  if (process.env['JEST_KUBERNETES_DIAGNOSTICS'] === undefined) return;
  try {
    const entry = first.at(-1);
    const place = Object(Array.isArray(entry) ? entry[1] : entry) as object;
    const hasBegun = currentTestFile()?.test !== undefined;
    const known = !hasBegun && ofHooks.has(place);
    const { explainFailure } = requireLater('../testing/red-test.js') as typeof RedTest;
    const words = known
      ? ofHooks.get(place)
      : await explainFailure({ name, startedAt, failedAt, ...textOf(first) });
    if (!hasBegun) ofHooks.set(place, words);
    if (words !== undefined) for (const list of lists) putUnder(list, words);
  } catch {
    // the test's own failure is what counts
  }
}

/** The test file ends: of one that is red, its tests are noted for the page of the run. */
export async function fileEnds(): Promise<void> {
  const file = currentTestFile();
  if (file?.failed === true && process.env['JEST_KUBERNETES_DIAGNOSTICS'] !== undefined) {
    try {
      (requireLater('../testing/red-test.js') as typeof RedTest).noteFile(file);
    } catch {
      // as above
    }
  }
  await endTestFile();
}
