/**
 * Everything, step by step: what `npm test` runs. Its last line says how many tests passed and
 * failed in all; it exits 0 only when every step went well and tests ran.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** npm scripts, cheapest first; `tests` are runs of Jest, `needs` a step that must have gone well. */
const steps = [
  { script: 'lint' },
  { script: 'typecheck' },
  { script: 'test:package' },
  { script: 'test:unit', tests: true },
  { script: 'test:integration', tests: true },
  { script: 'test:e2e', tests: true, needs: 'test:package' },
];

const reports = mkdtempSync(join(tmpdir(), 'jest-kubernetes-test-'));
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

function run(step, report) {
  const jestOptions = step.tests ? ['--', '--json', `--outputFile=${report}`] : [];
  const child = spawn('npm', ['run', '--silent', step.script, ...jestOptions], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => child.kill(signal));
  return new Promise((done) => child.on('close', (status) => done(status === 0)));
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

let interrupted = false;
process.on('SIGINT', () => (interrupted = true)); // the terminal tells the step itself

console.log(`Node.js ${process.version}: ${steps.map(({ script }) => script).join(', ')}`);
const results = new Map();
for (const step of steps) {
  if (interrupted || (step.needs && !results.get(step.needs).ok)) {
    results.set(step.script, {
      ok: false,
      passed: 0,
      failed: 1,
      line: `not run${step.needs ? `: ${step.needs} failed` : ''}`,
    });
    continue;
  }
  console.log(`\n━━ ${step.script}`);
  const started = performance.now();
  const report = join(reports, `${step.script.replace(':', '-')}.json`);
  const wentWell = await run(step, report);
  const counts = step.tests ? readReport(report) : { passed: 0, failed: 0, skipped: 0 };
  const ok = wentWell && counts.failed === 0 && (!step.tests || counts.passed > 0);
  // a step that failed without a failed test counts as one
  const failed = ok ? 0 : Math.max(1, counts.failed);
  const figures = step.tests ? `, ${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped` : '';
  results.set(step.script, { ok, passed: counts.passed, failed, line: `${seconds(started)}${figures}` });
}
rmSync(reports, { recursive: true });

console.log('\n━━ all');
for (const [script, { ok, line }] of results) console.log(`${ok ? '✓' : '✗'} ${script.padEnd(16)} ${line}`);
const total = (figure) => [...results.values()].reduce((sum, result) => sum + result[figure], 0);
process.exitCode = total('failed') === 0 && total('passed') > 0 ? 0 : 1;
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
