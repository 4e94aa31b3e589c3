import path from 'node:path';

import type { Config } from '../../config/index.js';
import { startDetached } from '../../support/detached.js';
import { isByHand } from '../by-hand.js';

/** What the process that holds a cluster on standby is told on its standard input. */
export interface Task {
  /** The folders that the run's configuration was found from. */
  rootDirs: readonly string[];
}

/** When a run has ended: has a process of its own make the next one's cluster. It fails no run. */
export async function startStandby(
  { cluster, stateDir }: Pick<Config, 'cluster' | 'stateDir'>,
  task: Task,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  if (!cluster.standby || cluster.provider !== 'kind' || !isByHand(env)) return;
  const log = path.join(stateDir, 'logs', `standby-${cluster.name}.log`);
  await startDetached(path.join(__dirname, 'main.js'), { log, task, stateDir }).catch(() => undefined);
}
