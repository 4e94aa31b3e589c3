import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type Api, openApi } from '../../kubernetes/index.js';
import { isAlive, type ProcessIdentity, runsHere } from '../../support/process-identity.js';
import { isForeign } from '../../support/state-directory.js';
import { Mutex } from './mutex.js';

/*
 * What one run keeps of a cluster that was there before, until what it set up in it is gone:
 *
 * <stateDir>/runs/<runId>/kubeconfig  that cluster alone
 * <stateDir>/runs/<runId>/run.json    whose it is, and which process has to give the run's lease back
 */

/** Where a run keeps its own kubeconfig of an existing cluster. */
export const runFolder = (stateDir: string, runId: string): string => path.join(stateDir, 'runs', runId);

/** The context that a run's own kubeconfig, written as JSON, was cut down to. */
export function currentContext(kubeconfig: string): string {
  return (JSON.parse(readFileSync(kubeconfig, 'utf8')) as { 'current-context': string })['current-context'];
}

/** The API server of the kubeconfig in a run's folder. */
export function openRunApi(folder: string, name: string): Api {
  const kubeconfig = path.join(folder, 'kubeconfig');
  return openApi({ kubeconfig, context: currentContext(kubeconfig), name });
}

export interface RunRecord {
  /** The cluster's. */
  name: string;
  runId: string;
  /** Who gives its lease back. */
  by: ProcessIdentity;
}

const recordIn = (folder: string): string => path.join(folder, 'run.json');

/** Notes once, in a folder that is there, that this process has to give the run's lease back. */
export function recordRun(
  folder: string,
  { name, runId, process }: Pick<RunRecord, 'name' | 'runId'> & { process: ProcessIdentity },
): void {
  if (readRun(folder) === undefined) writeRun(folder, { name, runId, by: process });
}

function writeRun(folder: string, record: RunRecord): void {
  const file = recordIn(folder);
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Undefined where nothing is left to be done for that run. */
export function readRun(folder: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordIn(folder), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
}

/** The runs whose process died before it had given its lease on an existing cluster back. */
export function findDeadRuns(stateDir: string): RunRecord[] {
  const runs = path.join(stateDir, 'runs');
  if (!existsSync(runs) || isForeign(stateDir)) return [];
  return readdirSync(runs).flatMap((runId) => {
    const record = readRun(path.join(runs, runId));
    return record === undefined || isAlive(record.by) ? [] : [record];
  });
}

/**
 * Takes a dead run's work over.
 * @returns undefined where another process has, or nothing is left to be done
 */
export async function claimRun(
  stateDir: string,
  runId: string,
  me: ProcessIdentity,
): Promise<RunRecord | undefined> {
  const folder = runFolder(stateDir, runId);
  const mutex = new Mutex(path.join(stateDir, 'lock'));
  try {
    return await mutex.hold(() => {
      const found = readRun(folder);
      if (found === undefined) return undefined;
      // of another container the pid says nothing
      if (isAlive(found.by)) return runsHere(found.by) && found.by.pid === me.pid ? found : undefined;
      const mine = { ...found, by: me };
      writeRun(folder, mine);
      return mine;
    });
  } finally {
    mutex.close();
  }
}
