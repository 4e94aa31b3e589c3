import { messageOf } from '../../support/errors.js';
import type { ClusterState, Holder, Removal } from './state.js';
import type { StateStore } from './store.js';
import * as transitions from './transitions.js';

/** A cluster that is to be deleted, as its own record knows it. */
export interface RemovalRecord {
  name: string;
  /** Of that life of the cluster; empty where its state was lost. */
  id: string;
  /** Absolute path of the cluster's folder, with its kubeconfig and what the provider keeps there. */
  folder: string;
  removal: Removal;
}

/** Deletes a cluster as far as it came to be, and verifies that it is gone; must bear being called again. */
export type DeleteCluster = (record: RemovalRecord) => Promise<void>;

/** Does the last piece of work with a store; where that fails, what another process needs to go on with it stays. */
export async function closing<T>(store: StateStore, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await store.close('unfinished').catch(() => undefined);
    throw error;
  }
  await store.close('done');
  return result;
}

/** What whoever became the deleter has to do: delete it with no lock held, then say how it went. */
export async function deleteAs(
  me: Holder,
  store: StateStore,
  state: ClusterState,
  { name, deleteCluster }: { name: string; deleteCluster: DeleteCluster },
): Promise<void> {
  try {
    if (state.removal !== null) {
      await deleteCluster({ name, id: state.id, folder: store.folder, removal: state.removal });
    }
  } catch (error) {
    // where even that fails, the death of this process says it
    await store
      .transact((found) => transitions.removalFailed(found, me, messageOf(error)))
      .catch(() => undefined);
    throw error;
  }
  await store.transact((found) => transitions.gone(found, me));
}
