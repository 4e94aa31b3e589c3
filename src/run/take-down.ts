import { randomBytes } from 'node:crypto';

import {
  type ClusterLease,
  deleteCluster,
  describeDeletion,
  listClusters,
  type RemovalRecord,
  takeDown,
  type Watchdog,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import type { Report } from '../report/index.js';
import { openStateDirectory } from '../support/state-directory.js';
import { providerOf } from './provider-of.js';

/** Deletes a cluster as its record knows it, and tells of it. */
export async function deleteAndTell(record: RemovalRecord, report: Report): Promise<void> {
  const line = report.phase(describeDeletion(record));
  try {
    await deleteCluster(record, line);
    line.end('done');
  } catch (error) {
    line.end('failed');
    throw error;
  }
}

/**
 * Does work under a lease, and gives it back. That this fails is told, and takes nothing from what the work came to: the
 * watchdog goes on when this process is gone.
 */
export async function underLease<T>(
  {
    lease,
    watchdog,
    report,
  }: { lease: Pick<ClusterLease, 'release'>; watchdog: Pick<Watchdog, 'dismiss'>; report: Report },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    try {
      await lease.release();
      watchdog.dismiss();
    } catch (error) {
      report.error(error);
    }
  }
}

/**
 * Deletes a cluster because somebody says so, even one that is kept; in an existing one, what runs have set up there.
 * @returns those who use it, when that is why it stays
 */
export async function takeDownCluster(
  config: Config,
  name: string,
  { evenInUse, report }: { evenInUse: boolean; report: Report },
): ReturnType<typeof takeDown> {
  const { stateDir, cluster } = config;
  openStateDirectory(stateDir);
  const runId = `down-${randomBytes(4).toString('hex')}`;
  // by its name, any cluster that this machine's runs have made
  const isOurs = listClusters(stateDir).some((known) => known.name === name);
  const provider = isOurs ? 'kind' : cluster.provider;
  const asIs = { ...config, cluster: { ...cluster, provider } };
  await providerOf(asIs, runId, process.env).prepare(new AbortController().signal);
  const deleteRecord = (record: RemovalRecord): Promise<void> => deleteAndTell(record, report);
  return takeDown({ stateDir, name, runId, provider, deleteCluster: deleteRecord, evenInUse });
}
