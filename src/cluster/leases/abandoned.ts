import { randomBytes } from 'node:crypto';

import { closing, deleteAs, type DeleteCluster } from './deletion.js';
import { clusterNames, discardRemains, FileStore } from './file-store.js';
import { holderOf, isUnseen } from './holder.js';
import type { LeaseOptions } from './leases.js';
import { openStore } from './open-store.js';
import type { ClusterState, Holder, Lease } from './state.js';
import * as transitions from './transitions.js';

/** A cluster as `status` shows it. */
export interface KnownCluster {
  name: string;
  folder: string;
  state: ClusterState;
  /** The runs that use it now. */
  users: readonly Holder[];
  /** Who holds it ready for the next run. */
  standby: Lease | undefined;
}

/** All clusters of a state directory, read without waiting for anyone. */
export function listClusters(stateDir: string): KnownCluster[] {
  return clusterNames(stateDir).flatMap((name) => {
    const store = new FileStore(stateDir, name);
    const state = store.peek();
    if (state === undefined) return [];
    const isAlive = (holder: Holder): boolean => store.isAlive(holder);
    const users = transitions.liveLeases(state, isAlive);
    return [{ name, folder: store.folder, state, users, standby: transitions.standbyOf(state, isAlive) }];
  });
}

/**
 * The clusters that nobody uses, keeps, creates or deletes: what even a watchdog could not do. Reads files only.
 * One whose state was lost is not among them: that the package made it is no longer known.
 */
export function findAbandoned(stateDir: string): string[] {
  const me = holderOf('sweep');
  return clusterNames(stateDir).filter((name) => {
    const store = new FileStore(stateDir, name);
    const state = store.peek();
    // an empty folder: its creator died before it had written anything
    if (state === undefined) return true;
    return transitions.depart(state, me, undefined, (holder) => store.isAlive(holder)).result.to === 'delete';
  });
}

/** A clean-up of what dead runs have left. */
export interface CleanUp {
  stateDir: string;
  deleteCluster: DeleteCluster;
  /** What could not be done is told here, and the next one goes on. */
  onFailure: (name: string, error: unknown) => void;
}

/**
 * Removes what `findAbandoned` finds, looking again under the lock, and what deleted clusters left.
 * @returns the names of those removed
 */
export async function deleteAbandoned({ stateDir, deleteCluster, onFailure }: CleanUp): Promise<string[]> {
  const removed: string[] = [];
  for (const name of findAbandoned(stateDir)) {
    try {
      if (await deleteIfAbandoned({ stateDir, name, deleteCluster })) removed.push(name);
    } catch (error) {
      onFailure(name, error);
    }
  }
  discardRemains(stateDir);
  return removed;
}

/** Removes a cluster that nobody uses, keeps, creates or deletes. @returns whether it was one */
export async function deleteIfAbandoned({
  stateDir,
  name,
  deleteCluster,
}: Pick<LeaseOptions, 'stateDir' | 'name' | 'deleteCluster'>): Promise<boolean> {
  const me = holderOf(`sweep-${randomBytes(4).toString('hex')}`, 'jest-kubernetes (clean-up)');
  const store = new FileStore(stateDir, name, me.runId);
  try {
    const departure = await store.transact((found) =>
      transitions.depart(found, me, undefined, (holder) => store.isAlive(holder)),
    );
    if (departure.to !== 'delete') return false;
    await deleteAs(me, store, departure.state, { name, deleteCluster });
    return true;
  } finally {
    await store.close();
  }
}

/**
 * Deletes a cluster because somebody says so, even one that is kept.
 * @returns those who use it, when that is why it stays; undefined when there is no such cluster (any more)
 */
export async function takeDown({
  deleteCluster,
  evenInUse = false,
  runId = `down-${randomBytes(4).toString('hex')}`,
  ...cluster
}: Pick<LeaseOptions, 'stateDir' | 'name' | 'provider'> & {
  /** Of who does it, in a cluster that others share. */
  runId?: string;
  deleteCluster: DeleteCluster;
  /** Also when live runs use it. A deletion that is under way on this machine is left alone all the same. */
  evenInUse?: boolean;
}): Promise<
  { outcome: 'deleted' } | { outcome: 'in use'; users: readonly Holder[] } | { outcome: 'unknown' }
> {
  const me = holderOf(runId);
  const store = openStore({ ...cluster, runId });
  return closing(store, async () => {
    const answer = await store.transact((found) =>
      transitions.takeDown(found, me, (holder) => store.isAlive(holder), {
        evenInUse,
        mayBeGone: (holder) => isUnseen(holder, cluster),
      }),
    );
    if (answer.to === 'leave') {
      return answer.users.length > 0 ? { outcome: 'in use', users: answer.users } : { outcome: 'unknown' };
    }
    await deleteAs(me, store, answer.state, { name: cluster.name, deleteCluster });
    return { outcome: 'deleted' };
  });
}
