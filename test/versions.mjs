/**
 * The end-to-end tests that matter on other releases of Kubernetes than the default one.
 *
 *   npm run test:versions [-- VERSION...]     $JEST_KUBERNETES_VERSION, or on the rig, which builds it, 1.36.3, elsewhere 1.36
 *
 * Its last line says how many tests passed and failed in all.
 */
import { figures, jestScript, seconds } from './npm-script.mjs';
import { ensure, ensureRelease, orEnd } from './rig/ensure.mjs';

/** A whole run, PostgreSQL with all that it asks of a cluster, and a cluster that somebody else made. */
const files = ['preset', 'postgres', 'existing'].map((name) => `test/e2e/${name}.test.ts`);

/** It has no image but those that it is told to build. */
const rig = (await orEnd(ensure())).JEST_KUBERNETES_NODE_IMAGE !== undefined;
const byDefault = process.env.JEST_KUBERNETES_VERSION || (rig ? '1.36.3' : '1.36');
const versions = process.argv.length > 2 ? process.argv.slice(2) : [byDefault];

let interrupted = false;
process.on('SIGINT', () => (interrupted = true)); // the terminal tells Jest itself

const results = [];
for (const version of versions) {
  if (interrupted) break;
  console.log(`\n━━ Kubernetes ${version}`);
  if (rig) await orEnd(ensureRelease(version));
  const env = { ...process.env, JEST_KUBERNETES_VERSION: version };
  delete env.JEST_KUBERNETES_NODE_IMAGE; // it would win
  const started = performance.now();
  const result = await jestScript('test:e2e', files, env);
  results.push({ ...result, version, line: `${seconds(started)}, ${figures(result)}` });
}

console.log('\n━━ versions');
for (const { ok, version, line } of results) console.log(`${ok ? '✓' : '✗'} ${version.padEnd(16)} ${line}`);
const total = (figure) => results.reduce((sum, result) => sum + result[figure], 0);
process.exitCode = results.length === versions.length && total('failed') === 0 ? 0 : 1;
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
