import type { Test, TestResult } from '@jest/reporters';

import { isSwitchedOff } from '../support/switched-off.js';

/** Tells the run of a failed test, for `keep: 'on-failure'`; a test file that could not even start has failed too. */
class JestKubernetesReporter {
  async onTestResult(_test: Test, result: TestResult): Promise<void> {
    if (isSwitchedOff() || (result.numFailingTests === 0 && result.testExecError === undefined)) return;
    const { recordFailure } = await import('../run/index.js');
    recordFailure();
  }
}

export = JestKubernetesReporter;
