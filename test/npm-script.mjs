/** Runs the project's npm scripts, and reads how their tests went. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs a script to its end, showing what it prints. @returns whether it went well */
export function npmScript(name, args = [], env = process.env) {
  const child = spawn('npm', ['run', '--silent', name, ...(args.length > 0 ? ['--', ...args] : [])], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => child.kill(signal));
  return new Promise((done) => child.on('close', (status) => done(status === 0)));
}

/**
 * Runs a script that is Jest.
 * @returns whether it went well, tests ran and none failed; and how many passed, failed and were skipped
 */
export async function jestScript(name, args = [], env = process.env) {
  const folder = mkdtempSync(join(tmpdir(), 'jest-kubernetes-test-'));
  const report = join(folder, 'report.json');
  const wentWell = await npmScript(name, [...args, '--json', `--outputFile=${report}`], env);
  const counts = readReport(report);
  rmSync(folder, { recursive: true });
  const ok = wentWell && counts.failed === 0 && counts.passed > 0;
  // a run that failed without a failed test counts as one
  return { ...counts, ok, failed: ok ? 0 : Math.max(1, counts.failed) };
}

/** How Jest's tests went; a file that could not run is one failed test. */
function readReport(path) {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests } = JSON.parse(
      readFileSync(path, 'utf8'),
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests + numRuntimeErrorTestSuites,
      skipped: numPendingTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }; // Jest did not get that far
  }
}

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

export const figures = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
