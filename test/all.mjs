/**
 * Everything, step by step: what `npm test` runs. Its last line says how many tests passed and
 * failed in all; it exits 0 only when every step went well and tests ran.
 */
import { figures, jestScript, npmScript, seconds } from './npm-script.mjs';

/** npm scripts, cheapest first; `tests` are runs of Jest, `needs` a step that must have gone well. */
const steps = [
  { script: 'lint' },
  { script: 'typecheck' },
  { script: 'test:package' },
  { script: 'docs' },
  { script: 'test:unit', tests: true },
  { script: 'test:integration', tests: true },
  { script: 'test:e2e', tests: true, needs: 'test:package' },
];

async function run({ script, tests }) {
  if (tests) return jestScript(script);
  const ok = await npmScript(script);
  return { ok, passed: 0, failed: ok ? 0 : 1 };
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
      line: `not run: ${interrupted ? 'interrupted' : `${step.needs} failed`}`,
    });
    continue;
  }
  console.log(`\n━━ ${step.script}`);
  const started = performance.now();
  const result = await run(step);
  const line = `${seconds(started)}${step.tests ? `, ${figures(result)}` : ''}`;
  results.set(step.script, { ...result, line });
}

console.log('\n━━ all');
for (const [script, { ok, line }] of results) console.log(`${ok ? '✓' : '✗'} ${script.padEnd(16)} ${line}`);
const total = (figure) => [...results.values()].reduce((sum, result) => sum + result[figure], 0);
process.exitCode = total('failed') === 0 && total('passed') > 0 ? 0 : 1;
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
