/** The test file that this worker runs now: Jest runs one at a time in a process. */
export interface TestFile {
  /** Absolute path. */
  readonly path: string;
  /** Set as soon as one of its tests has failed. */
  failed: boolean;
  /** Run at its end, the last added first. */
  readonly cleanUps: (() => Promise<void>)[];
}

let current: TestFile | undefined;

export const currentTestFile = (): TestFile | undefined => current;

/** A test file starts; does nothing for the one that runs already. */
export function beginTestFile(path: string): TestFile {
  if (current?.path !== path) current = { path, failed: false, cleanUps: [] };
  return current;
}

/** Something to do at the end of this test file; outside of one it is left to the end of the run. */
export function atEndOfTestFile(cleanUp: () => Promise<void>): void {
  current?.cleanUps.push(cleanUp);
}

/** Ends the test file: what was made for it goes. A clean-up that fails is told on stderr and fails no test. */
export async function endTestFile(): Promise<void> {
  const ended = current;
  current = undefined;
  for (const cleanUp of ended?.cleanUps.reverse() ?? []) {
    try {
      await cleanUp();
    } catch (error) {
      process.stderr.write(`jest-kubernetes: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}
