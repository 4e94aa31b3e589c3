import { Scope } from './scope.js';

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
}

let current: TestFile | undefined;
const outsideOfTestFiles = new Scope('outside of test files');

export const currentTestFile = (): TestFile | undefined => current;

/** A test file starts; does nothing for the one that runs already. */
export function beginTestFile(path: string): TestFile {
  if (current?.path !== path) current = { path, failed: false, scope: new Scope(path), test: undefined };
  return current;
}

/** A test starts. What is made in it lasts until its end. */
export function beginTest(name: string): Scope | undefined {
  if (current !== undefined) current.test = new Scope(name);
  return current?.test;
}

/** The running test's, else the file's; outside of both, what is made is left to the end of the run. */
export const currentScope = (): Scope => current?.test ?? fileScope();

export const fileScope = (): Scope => current?.scope ?? outsideOfTestFiles;

export async function endTest(): Promise<void> {
  const ended = current?.test;
  if (current !== undefined) current.test = undefined;
  await ended?.end();
}

/** Ends the test file: what was made for it goes. */
export async function endTestFile(): Promise<void> {
  await endTest();
  const ended = current;
  current = undefined;
  await ended?.scope.end();
}
