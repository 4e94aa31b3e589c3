import { writeFileSync } from 'node:fs';

import { Scope } from './scope.js';

/** A test that has ended; times in milliseconds since the epoch. */
interface EndedTest {
  name: string;
  startedAt: number;
  endedAt: number;
  failed: boolean;
}

/** The test file that this worker runs now: Jest runs one at a time in a process. */
export interface TestFile {
  /** Absolute path. */
  readonly path: string;
  /** Set as soon as one of its tests has failed. */
  failed: boolean;
  /** What lasts until its end. */
  readonly scope: Scope;
  /** The test that runs now, its hooks `beforeEach` and `afterEach` included; undefined between tests. */
  test: Scope | undefined;
  /** Those that have run before, in that order. */
  readonly ended: EndedTest[];
}

let current: TestFile | undefined;
const outsideOfTestFiles = new Scope('outside of test files');

export const currentTestFile = (): TestFile | undefined => current;

/** A test file starts; does nothing for the one that runs already. */
export function beginTestFile(path: string): TestFile {
  if (current?.path !== path)
    current = { path, failed: false, scope: new Scope(path), test: undefined, ended: [] };
  return current;
}

/** A test starts. What is made in it lasts until its end. */
export function beginTest(name: string): Scope | undefined {
  if (current !== undefined) current.test = new Scope(name);
  return current?.test;
}

/** The running test's, else the file's; outside of both, what is made is left to the end of the run. */
export const currentScope = (): Scope => current?.test ?? fileScope();

/** Whether the running test, or its file, has made that namespace. */
export const isOwnNamespace = (namespace: string | undefined): boolean =>
  namespace !== undefined &&
  [currentScope(), fileScope()].some((scope) => scope.namespaces.includes(namespace));

export const fileScope = (): Scope => current?.scope ?? outsideOfTestFiles;

/** @param failed - whether it is red, as far as that is known */
export async function endTest(failed = false): Promise<void> {
  const test = current?.test;
  if (current === undefined || test === undefined) return;
  current.test = undefined;
  current.ended.push({ name: test.name, startedAt: test.startedAt, endedAt: Date.now(), failed });
  await test.end();
}

/** A test of the running file has failed for good: what `keep: 'on-failure'` keeps stays, whatever becomes of Jest. */
export function markFailed(): void {
  if (current !== undefined) current.failed = true;
  const mark = process.env['JEST_KUBERNETES_FAILED'];
  if (mark === undefined) return;
  try {
    writeFileSync(mark, '');
  } catch {
    // the run's own folder is gone: nothing is left that could be kept
  }
}

/** Ends the test file: what was made for it goes. */
export async function endTestFile(): Promise<void> {
  await endTest();
  const ended = current;
  current = undefined;
  await ended?.scope.end();
}
