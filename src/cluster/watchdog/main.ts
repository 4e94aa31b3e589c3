import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import pRetry from 'p-retry';

import { say } from '../../support/detached.js';
import { formatError } from '../../support/errors.js';
import { identifyProcess, isAlive, type ProcessIdentity } from '../../support/process-identity.js';
import { stateDirectory } from '../../support/state-directory.js';
import {
  claimRun,
  deleteAbandoned,
  type DeleteCluster,
  discardRemains,
  listClusters,
  openCluster,
  readRun,
  releaseDeadRuns,
  runFolder,
} from '../leases/index.js';
import { watchdogLog } from './start.js';

/*
 * What a watchdog becomes when its run is gone: `main.js release STATE_DIR REMOVER NAME RUN_ID PROVIDER`, or, in the
 * background of a run that found something abandoned, `main.js sweep STATE_DIR REMOVER`. Its output is its log.
 */

const [, , task = '', stateDir = '', remover = '', name = '', runId = '', provider = 'kind'] = process.argv;
const keptLogs = 20;
/**
 * Further attempts, each after a pause that doubles. An engine of this machine answers soon or not at all; a cluster
 * elsewhere may be out of reach for a while (some ten minutes in all).
 */
const attempts = provider === 'existing' ? { retries: 14, maxTimeout: 60_000 } : { retries: 3 };

/** What a run that is gone has left to others: its lease, and, if it was the last one, the cluster. */
async function release(deleteCluster: DeleteCluster): Promise<void> {
  // the pipe closes a moment before the process is gone
  const process_ = runProcess();
  while (process_ !== undefined && isAlive(process_)) await delay(20);
  if (provider === 'existing' && !(await claim())) {
    say(`nothing is left of run ${runId}, or another process cleans up after it`);
    return;
  }
  say(`run ${runId} is gone: releasing its lease on the cluster ${name}`);
  const outcome = await openCluster({
    stateDir,
    name,
    runId,
    deleteCluster,
    provider: provider === 'existing' ? 'existing' : 'kind',
  }).release();
  discardRemains(stateDir);
  const kept = `${name} is kept`;
  say({ left: 'nothing more to do', kept, 'kept again': kept, deleted: `${name} is deleted` }[outcome]);
}

/** The run's own process, as far as it had come to take part. */
function runProcess(): ProcessIdentity | undefined {
  if (provider === 'existing') return readRun(runFolder(stateDir, runId))?.by;
  return listClusters(stateDir).find((cluster) => cluster.name === name)?.state.leases[runId]?.process;
}

/** Whether this process is the one to clean up after the run in an existing cluster, from now on or already. */
async function claim(): Promise<boolean> {
  const me = identifyProcess(process.pid);
  return me !== undefined && (await claimRun(stateDir, runId, me)) !== undefined;
}

async function sweepNow(deleteCluster: DeleteCluster): Promise<void> {
  const failures: unknown[] = [];
  const task = { stateDir, deleteCluster, onFailure: (_: string, error: unknown) => failures.push(error) };
  const removed = [...(await deleteAbandoned(task)), ...(await releaseDeadRuns(task))];
  say(`deleted: ${removed.join(', ') || 'nothing'}`);
  if (failures.length > 0) throw new Error(failures.map(formatError).join('\n'));
}

/** All but the newest, this one included. */
function pruneLogs(): void {
  if (stateDirectory(stateDir) === undefined) return;
  const folder = dirname(watchdogLog(stateDir, runId));
  const age = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const logs = readdirSync(folder).map((file) => join(folder, file));
  const oldestFirst = logs.map((path) => ({ path, at: age(path) })).sort((one, other) => one.at - other.at);
  for (const { path } of oldestFirst.slice(0, -keptLogs)) rmSync(path, { force: true, recursive: true });
}

async function main(): Promise<void> {
  // Node.js has put them back to what ends a process
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const)
    process.on(signal, () => undefined);
  const { deleteCluster } = (await import(pathToFileURL(remover).href)) as { deleteCluster: DeleteCluster };
  await pRetry(() => (task === 'release' ? release(deleteCluster) : sweepNow(deleteCluster)), {
    ...attempts,
    onFailedAttempt: ({ error, retriesLeft }) => {
      say(`${formatError(error)}\n(${retriesLeft} more attempts)`);
    },
  });
  pruneLogs();
}

main().catch((error: unknown) => {
  say(`${formatError(error)}\ngiving up: the next run on this machine tries again`);
  process.exitCode = 1;
});
