import type { KeepPolicy } from '../../config/index.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { identifyProcess } from '../../support/process-identity.js';
import { FileStore } from './file-store.js';
import { KubernetesStore, runFolder } from './kubernetes-store.js';
import {
  type ClusterState,
  describeHolder,
  type Holder,
  type Json,
  type Made,
  type Removal,
} from './state.js';
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

export interface WantedCluster {
  made: Made;
  removal: Removal;
  keep: KeepPolicy;
}

export interface LeaseOptions {
  /** Absolute path. */
  stateDir: string;
  name: string;
  runId: string;
  /** `kind`: shared by the runs of this machine; `existing`: by those of all machines that reach it. Default: `kind`. */
  provider?: Removal['provider'];
  deleteCluster: DeleteCluster;
  /** Called when somebody else has to be waited for, once for each: who that is, and what they do. */
  onWait?: (who: string, doing: string) => void;
  /** A line for the user: what was found and is cleaned up. */
  onNote?: (line: string) => void;
  signal?: AbortSignal;
}

/** What became of the cluster when a lease was given back; `kept again`: it was kept when this run came. */
export type Outcome = 'left' | 'kept' | 'kept again' | 'deleted';

/** How soon a waiting run notices that the one it waits for has died, in milliseconds. */
const livenessEvery = 500;

/** This process, on behalf of a run. */
export function holderOf(runId: string, command = commandLine()): Holder {
  const process_ = identifyProcess(process.pid);
  if (process_ === undefined) throw new Error('this process cannot find itself');
  return { runId, process: process_, cwd: process.cwd(), command, since: new Date().toISOString() };
}

const commandLine = () => process.argv.slice(1).map(lastPart).join(' ').slice(0, 200) || 'node';
/** `jest` of `/shop/node_modules/jest/bin/jest.js`. */
const lastPart = (argument: string) =>
  argument.slice(argument.lastIndexOf('/') + 1).replace(/^(jest|jest-kubernetes)\.js$/, '$1');

/** A run's share of a cluster that others may use too. */
export function openCluster(options: LeaseOptions): ClusterLease {
  return new ClusterLease(openStore(options), options);
}

/** Where the state of a cluster is kept by those who share it. */
export function openStore({
  stateDir,
  name,
  runId,
  provider = 'kind',
}: Pick<LeaseOptions, 'stateDir' | 'name' | 'runId' | 'provider'>): StateStore {
  return provider === 'kind'
    ? new FileStore(stateDir, name)
    : new KubernetesStore({ folder: runFolder(stateDir, runId), name, runId });
}

export class ClusterLease {
  readonly #store: StateStore;
  readonly #options: LeaseOptions;
  readonly #me: Holder;
  #removal: Removal | null = null;
  #foundKept = false;
  #released: Promise<Outcome> | undefined;

  constructor(store: StateStore, options: LeaseOptions) {
    this.#store = store;
    this.#options = options;
    this.#me = holderOf(options.runId);
  }

  get #isAlive() {
    return (holder: Holder) => this.#store.isAlive(holder);
  }

  /**
   * Takes part in the cluster: waits while others create or delete it, removes what a dead run left of it, and comes
   * back when it is this run's to create, or ready to be joined.
   * @throws CONFIG_CONFLICT when runs use it that made it otherwise; STATE_UNUSABLE; CLUSTER_DELETE_FAILED
   */
  async acquire({
    made,
    removal,
    keep,
  }: WantedCluster): Promise<{ role: 'create' } | { role: 'join'; state: ClusterState }> {
    const { signal, onNote } = this.#options;
    const me = { ...this.#me, keep };
    this.#removal = removal;
    const waiting = this.#waiting();
    for (;;) {
      const arrival = await this.#store.transact(
        (found) => transitions.arrive(found, me, { made, removal }, this.#isAlive),
        signal,
      );
      switch (arrival.to) {
        case 'create':
          return { role: 'create' };
        case 'join':
          this.#foundKept = arrival.wasKept;
          return { role: 'join', state: arrival.state };
        case 'refuse':
          throw conflict(this.#options.name, arrival);
        case 'wait':
          await waiting(arrival.holder, `${arrival.doing} the cluster`);
          break;
        case 'delete':
          onNote?.(`deleting the cluster ${this.#options.name} first: ${arrival.why}`);
          await this.#delete(arrival.state);
      }
    }
  }

  /** The cluster that this run creates can be used: those who wait for it join. */
  async ready(access: ClusterAccess): Promise<void> {
    this.#expect(
      await this.#store.transact((found) => transitions.becomeReady(found, this.#me.runId, access)),
    );
  }

  /**
   * Does a piece of work once in the cluster's life, whichever run comes first; the others wait for it and take what
   * it came to. When the one who does it fails or dies, the next one tries.
   * @param key - what the work is and, where it depends on it, a digest of what it was made from
   */
  async once<T extends Json>(key: string, work: () => Promise<T>): Promise<T> {
    const { runId } = this.#me;
    const waiting = this.#waiting();
    for (;;) {
      const turn = await this.#store.transact(
        (found) => transitions.begin(found, runId, key, this.#isAlive),
        this.#options.signal,
      );
      if (turn.to === 'take') return turn.value as T;
      if (turn.to === 'lost') this.#expect(false);
      if (turn.to === 'wait') await waiting(turn.holder, key);
      if (turn.to !== 'do') continue;
      let value: T | undefined;
      try {
        value = await work();
        return value;
      } finally {
        // not with the signal: what was done must be written down even when this run is stopped
        const written = await this.#store.transact((found) => transitions.finish(found, runId, key, value));
        if (value !== undefined) this.#expect(written);
      }
    }
  }

  /** The other runs that use the cluster now, in words. */
  others(): string[] {
    return this.#users()
      .filter(({ runId }) => runId !== this.#me.runId)
      .map(describeHolder);
  }

  /** The ids of the runs that use the cluster now, this one included. */
  liveRuns(): string[] {
    return this.#users().map(({ runId }) => runId);
  }

  #users() {
    const state = this.#store.peek();
    return state === undefined ? [] : transitions.liveLeases(state, this.#isAlive);
  }

  /** A test or the setup failed: `keep: 'on-failure'` of any run that shares the cluster now applies. */
  async markFailed(): Promise<void> {
    await this.#store.transact((found) => transitions.fail(found, this.#me.runId));
  }

  /**
   * Gives the lease back. The last one out deletes the cluster, unless a run asked to keep it; a cluster that was
   * never ready is always deleted.
   * @throws what `deleteCluster` throws; the state then says so, and the next run or sweep tries again
   */
  release(): Promise<Outcome> {
    return (this.#released ??= this.#release().finally(() => {
      this.#released = undefined;
    }));
  }

  async #release(): Promise<Outcome> {
    try {
      const departure = await this.#store.transact((found) =>
        transitions.depart(found, this.#me, this.#me.runId, this.#isAlive, this.#removal),
      );
      if (departure.to === 'leave') return 'left';
      if (departure.to === 'keep') return this.#foundKept ? 'kept again' : 'kept';
      await this.#delete(departure.state);
      return 'deleted';
    } finally {
      await this.#store.close();
    }
  }

  #delete(state: ClusterState): Promise<void> {
    return deleteAs(this.#me, this.#store, state, this.#options);
  }

  /** Waits for a change, having said once for whom. */
  #waiting() {
    let said: string | undefined;
    return async (holder: Holder, doing: string) => {
      const words = describeHolder(holder);
      if (said !== `${words} ${doing}`) this.#options.onWait?.(words, doing);
      said = `${words} ${doing}`;
      await this.#store.changed(this.#options.signal, livenessEvery);
      this.#options.signal?.throwIfAborted();
    };
  }

  #expect(held: boolean): void {
    if (held) return;
    throw new JestKubernetesError(
      'NO_CLUSTER',
      `the cluster ${this.#options.name} was deleted while this run used it`,
      {
        evidence: [`this run (${this.#me.runId}) has no lease in ${this.#store.folder}`],
        remedy: 'Run the tests again; `jest-kubernetes status` shows which runs use which cluster.',
      },
    );
  }
}

/** What whoever became the deleter has to do: delete it with no lock held, then say how it went. */
export async function deleteAs(
  me: Holder,
  store: StateStore,
  state: ClusterState,
  { name, deleteCluster }: Pick<LeaseOptions, 'name' | 'deleteCluster'>,
): Promise<void> {
  try {
    if (state.removal !== null) {
      await deleteCluster({ name, id: state.id, folder: store.folder, removal: state.removal });
    }
  } catch (error) {
    await store.transact((found) => transitions.removalFailed(found, me, messageOf(error)));
    throw error;
  }
  await store.transact((found) => transitions.gone(found, me));
}

function conflict(
  name: string,
  { differing, users }: Extract<transitions.Arrival, { to: 'refuse' }>,
): JestKubernetesError {
  return new JestKubernetesError(
    'CONFIG_CONFLICT',
    `the cluster ${name} is in use, and was made from another configuration`,
    {
      evidence: [...differing, ...users.map((user) => `used by ${describeHolder(user)}`)],
      remedy:
        'Use the same settings in both, give this one another `cluster.name`, or wait for that run to end.',
    },
  );
}
