import { json } from 'node:stream/consumers';

import { askedSnapshot, snapshotOfKey } from '../../cluster/index.js';
import { type Config, loadRunConfig } from '../../config/index.js';
import { Report, silent } from '../../report/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { kindOptions } from '../provider-of.js';
import { Run } from '../run.js';
import type { Task } from './start.js';

/*
 * The process that holds a cluster on standby: a run without tests, whose cluster the next one takes. It is told where its
 * configuration is on its standard input; its output is its log.
 */

const say = (line: string): void => {
  console.log(`${new Date().toISOString()} ${line}`);
};

async function main(): Promise<void> {
  const { rootDirs } = (await json(process.stdin)) as Task;
  const config = await loadRunConfig(rootDirs, process.env, { forRun: true });
  if (config?.cluster.standby !== true) return;
  if (!(await hasSnapshot(config))) {
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

async function hasSnapshot(config: Config): Promise<boolean> {
  const signal = AbortSignal.timeout(60_000);
  const options = kindOptions(config, process.env);
  const asked = await askedSnapshot(options, { signal, progress: silent });
  return typeof asked !== 'string' && (await snapshotOfKey(asked.key, options, signal)) !== undefined;
}

main().catch((error: unknown) => {
  const { code } = error as Partial<JestKubernetesError>;
  // a run was there first
  if (code === 'CONFIG_CONFLICT') return;
  say(`standby: ${error instanceof JestKubernetesError ? error.format() : messageOf(error)}`);
  process.exitCode = 1;
});
