import { json } from 'node:stream/consumers';

import { snapshotFor } from '../../cluster/index.js';
import { type Config, loadRunConfig } from '../../config/index.js';
import { Report, silent } from '../../report/index.js';
import { say } from '../../support/detached.js';
import { formatError, type JestKubernetesError } from '../../support/errors.js';
import { kindOptions } from '../provider-of.js';
import { Run } from '../run.js';
import type { Task } from './start.js';

/*
 * The process that holds a cluster on standby: a run without tests, whose cluster the next one takes. It is told where its
 * configuration is on its standard input; its output is its log.
 */

/** How long the engine may take to tell which snapshots it has, in milliseconds. */
const patience = 60_000;

async function main(): Promise<void> {
  const { rootDirs } = (await json(process.stdin)) as Task;
  const config = await loadRunConfig(rootDirs, process.env, { forRun: true });
  if (config?.cluster.standby !== true) return;
  const options = kindOptions(config, process.env);
  const steps = { signal: AbortSignal.timeout(patience), progress: silent };
  if ((await snapshotFor(options, steps)) === undefined) {
    say('standby: there is no snapshot that it could start from');
    return;
  }
  // a hook may do anything: it is called when somebody is there to see it
  const mine: Config = { ...config, keep: 'never', setup: [], eachRun: [] };
  const run = new Run(mine, new Report(), process.env, { standby: true });
  await run.start();
  say(`standby: ${config.cluster.name} is ready`);
  try {
    say(`standby: ${await run.standBy()}`);
  } finally {
    await run.finish();
  }
}

main().catch((error: unknown) => {
  const { code } = error as Partial<JestKubernetesError>;
  // a run was there first
  if (code === 'CONFIG_CONFLICT') return;
  say(`standby: ${formatError(error)}`);
  process.exitCode = 1;
});
