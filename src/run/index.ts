import { type Config, loadRunConfig, unknownVariables } from '../config/index.js';
import type { FileRecord } from '../diagnose/index.js';
import { Report } from '../report/index.js';
import { readAnew } from './read-anew.js';
import { Run } from './run.js';
import { startStandby } from './standby/index.js';

export { Run } from './run.js';
export { makeSnapshot } from './make-snapshot.js';
export { failedSnapshots } from './snapshot-maker/index.js';
export { memoryOf, snapshotsOf, tidySnapshots } from './ask-engine.js';
export { takeDownCluster } from './take-down.js';
export { collectBundle } from './collect.js';
export { packageVersion } from './versions.js';

/** This process's run; a watch has one for all its re-runs. */
let current: Started | undefined;

interface Started {
  run: Run;
  config: Config;
  rootDirs: readonly string[];
  /** What a watch was made from: the environment before it, and what was read last. */
  watched?: { env: NodeJS.ProcessEnv; inputs: string };
}

/**
 * Starts this process's run, or lets the one that goes on be used again (a watch's re-run), with what has changed since.
 * @param rootDirs - the folders that configurations are looked for from: one per Jest project
 * @param watch - whether re-runs may follow; default: false
 * @throws JestKubernetesError - what it made is gone by then
 */
export async function startRun(rootDirs: readonly string[], { watch = false } = {}): Promise<void> {
  if (current !== undefined) {
    await runAgain(current, rootDirs);
    return;
  }
  const env = { ...process.env };
  const config = await loadRunConfig(rootDirs, process.env, { forRun: true });
  if (config === undefined) return;
  const report = new Report(process.stderr, process.env, { quiet: config.quiet });
  for (const sentence of unknownVariables(process.env)) report.warn(sentence);
  const run = new Run(config, report);
  current = { run, config, rootDirs };
  try {
    if (watch) current.watched = { env, inputs: (await readAnew(rootDirs, env)).inputs };
    await run.start();
  } catch (error) {
    current = undefined;
    throw error;
  }
}

async function runAgain({ run, watched }: Started, rootDirs: readonly string[]): Promise<void> {
  run.page.startAnew();
  if (watched === undefined) return;
  const { config, added, inputs } = await readAnew(rootDirs, watched.env);
  if (config === undefined || inputs === watched.inputs) return;
  await run.renew(config, added);
  watched.inputs = inputs;
}

/** A test of this process's run has failed. */
export function recordFailure(): void {
  current?.run.markFailed();
}

/** A test file of this process's run has run. */
export function recordFile(file: FileRecord): void {
  current?.run.record(file);
}

/** The tests have run, and the run goes on (a watch): what failed is put on its page. */
export function showFailures(): void {
  current?.run.page.write();
}

/** Ends this process's run; does nothing where there is none. */
export async function finishRun(): Promise<void> {
  const ended = current;
  current = undefined;
  if (ended === undefined) return;
  await ended.run.finish();
  await startStandby(ended.config, { rootDirs: ended.rootDirs });
}
