import path from 'node:path';

import { askedSnapshot, mayMakeSnapshot, snapshotOfKey } from '../../cluster/index.js';
import type { Config, PostgresConfig } from '../../config/index.js';
import { type Report, silent } from '../../report/index.js';
import { startDetached } from '../../support/detached.js';
import { isByHand } from '../by-hand.js';
import { kindOptions } from '../provider-of.js';
import { failedSnapshots, isInTheMaking } from './notes.js';

/** What a process that makes a snapshot has to know of a run: none of it is a secret of its database, or code. */
export type SnapshotConfig = Pick<
  Config,
  'cluster' | 'images' | 'mirrors' | 'runtime' | 'stateDir' | 'timeouts'
> & { postgres?: Pick<PostgresConfig, 'image' | 'user'> | undefined };

/** What a maker is told on its standard input. */
export interface Task {
  key: string;
  config: SnapshotConfig;
}

/** How long a run may take to find out whether a snapshot is to be made, in milliseconds. */
const patience = 5000;

/** Whether runs have snapshots made by themselves. */
export const makesByItself = ({ cluster }: Pick<Config, 'cluster'>, env: NodeJS.ProcessEnv): boolean =>
  cluster.snapshot && isByHand(env);

/**
 * After a run whose cluster kind has booted: a process of its own, of low priority, makes the snapshot that the next such
 * run starts from, when no run needs the machine. Nothing comes of it where that is no use, and it fails no run.
 */
export async function startMaker(
  config: Config,
  { report, env }: { report: Report; env: NodeJS.ProcessEnv },
): Promise<void> {
  try {
    const key = await keyToMake(config, env);
    if (key === undefined) return;
    const { stateDir } = config;
    const log = path.join(stateDir, 'logs', `snapshot-${key}.log`);
    const task: Task = { key, config: told(config) };
    await startDetached(path.join(__dirname, 'main.js'), { log, task, stateDir, niceness: 19 });
    report.note(
      'a snapshot of such a cluster is made in the background, when no run needs the machine: the next runs start from it in seconds (cluster.snapshot: false does without)',
    );
  } catch {
    // the next run tries again
  }
}

/** The key of the snapshot that is to be made; undefined where none is. */
async function keyToMake(config: Config, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { stateDir } = config;
  const options = kindOptions(config, env);
  const signal = AbortSignal.timeout(patience);
  const asked = await askedSnapshot(options, { signal, progress: silent });
  if (typeof asked === 'string') return undefined;
  const { key } = asked;
  if (isInTheMaking(stateDir, key) || failedSnapshots(stateDir).some((failed) => failed.key === key))
    return undefined;
  if ((await snapshotOfKey(key, options, signal)) !== undefined) return undefined;
  return (await mayMakeSnapshot(options, signal)) ? key : undefined;
}

const told = ({
  cluster,
  images,
  mirrors,
  postgres,
  runtime,
  stateDir,
  timeouts,
}: Config): SnapshotConfig => ({
  ...{ cluster, images, mirrors, runtime, stateDir, timeouts },
  postgres: postgres && { image: postgres.image, user: postgres.user },
});
