import { relative } from 'node:path';

import type { Test, TestResult } from '@jest/reporters';

import { isSwitchedOff } from '../support/switched-off.js';
import { causeIn, lineIn } from './failures.js';

/**
 * Tells the run of its test files, for the page of what failed, and of one that could not even start, for `keep:
 * 'on-failure'`: what else fails, the workers tell themselves.
 */
class JestKubernetesReporter {
  async onTestResult(_test: Test, result: TestResult): Promise<void> {
    if (isSwitchedOff()) return;
    const { recordFailure, recordFile } = await import('../run/index.js');
    const { perfStats, testFilePath, testResults } = result;
    let at = perfStats.start;
    const tests = testResults.map(({ fullName, status, duration, failureMessages }) => {
      const startedAt = at;
      at += duration ?? 0;
      const words = failureMessages.join('\n');
      const of = { line: lineIn(words, testFilePath), cause: causeIn(words) };
      return { name: fullName, startedAt, endedAt: at, failed: status === 'failed', ...of };
    });
    const file = relative(process.cwd(), testFilePath);
    recordFile({ kind: 'file', file, startedAt: perfStats.start, endedAt: perfStats.end, tests });
    if (result.numFailingTests > 0 || result.testExecError !== undefined) recordFailure();
  }
}

export = JestKubernetesReporter;
