import { existsSync, rmSync } from 'node:fs';

import type { KeepPolicy } from '../../config/index.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { closing, deleteAs, type DeleteCluster } from './deletion.js';
import { failureMark } from './file-store.js';
import { describeInTheWay, holderOf } from './holder.js';
import * as ledger from './ledger.js';
import { openStore, type StoreOptions } from './open-store.js';
import {
  type ClusterState,
  describeHolder,
  type Holder,
  type Json,
  type Lease,
  type Made,
  type Removal,
} from './state.js';
import type { StateStore } from './store.js';
import * as transitions from './transitions.js';

export interface WantedCluster {
  made: Made;
  removal: Removal;
  keep: KeepPolicy;
}

export interface LeaseOptions extends StoreOptions {
  deleteCluster: DeleteCluster;
  /** Called when somebody else has to be waited for, once for each: who that is, and what they do. */
  onWait?: (who: string, doing: string) => void;
  /** A line for the user: what was found and is cleaned up. */
  onNote?: (line: string) => void;
  /** Whether it holds the cluster ready for whoever comes next, instead of using it. Default: false. */
  standby?: boolean;
  signal?: AbortSignal;
}

/** What became of the cluster when a lease was given back; `kept again`: it was kept when this run came. */
export type Outcome = 'left' | 'kept' | 'kept again' | 'deleted';

/** How soon a waiting run notices that the one it waits for has died, in milliseconds. */
const livenessEvery = 500;

/** A run's share of a cluster that others may use too. */
export function openCluster(options: LeaseOptions): ClusterLease {
  return new ClusterLease(openStore(options), options);
}

export class ClusterLease {
  readonly #store: StateStore;
  readonly #options: LeaseOptions;
  readonly #me: Holder;
  #removal: Removal | null = null;
  #foundKept = false;
  #hasJoined = false;
  /** The work that this very object does now, by key. */
  readonly #doing = new Set<string>();
  #released: Promise<Outcome> | undefined;

  constructor(store: StateStore, options: LeaseOptions) {
    this.#store = store;
    this.#options = options;
    this.#me = holderOf(options.runId, options.standby === true ? 'jest-kubernetes (standby)' : undefined);
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
  }: WantedCluster): Promise<
    { role: 'create' } | { role: 'join'; state: ClusterState; wasStandby: boolean }
  > {
    const { signal, onNote, standby = false } = this.#options;
    const me: Lease = { ...this.#me, keep, ...(standby ? { standby: 'busy' as const } : {}) };
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
          this.#hasJoined = true;
          return { role: 'join', state: arrival.state, wasStandby: arrival.wasStandby };
        case 'refuse':
          throw conflict(this.#options, arrival);
        case 'wait':
          await waiting(arrival.holder, `${arrival.doing} the cluster`);
          break;
        case 'delete':
          onNote?.(`deleting the cluster ${this.#options.name} first: ${arrival.why}`);
          await this.#delete(arrival.state);
      }
    }
  }

  /**
   * Has the containers of a cluster that is held on standby be told to stand still, or to go on. Whoever comes meanwhile
   * waits for it.
   * @returns whether they were told: not where somebody has taken the cluster, or it is gone
   */
  async rest(state: 'running' | 'paused', tell: () => Promise<void>): Promise<boolean> {
    const say = (standby: NonNullable<Lease['standby']>): Promise<boolean> =>
      this.#store.transact((found) => transitions.rest(found, this.#me.runId, standby));
    if (!(await say('busy'))) return false;
    await tell();
    return say(state);
  }

  /** Whether this process still has a part in the cluster. */
  get isHeld(): boolean {
    return this.#store.peek()?.leases[this.#me.runId] !== undefined;
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
        (found) => ledger.begin(found, runId, key, this.#isAlive, this.#doing.has(key)),
        this.#options.signal,
      );
      if (turn.to === 'take') return turn.value as T;
      if (turn.to === 'lost') this.#expect(false);
      if (turn.to === 'wait') await waiting(turn.holder, key);
      if (turn.to !== 'do') continue;
      this.#doing.add(key);
      // not with the signal: what was done must be written down even when this run is stopped
      const finish = (value?: T) => this.#store.transact((found) => ledger.finish(found, runId, key, value));
      try {
        const value = await work();
        this.#expect(await finish(value));
        return value;
      } catch (error) {
        // what cannot be written down now ends with the lease; the work's own error is the one to tell
        await finish().catch(() => undefined);
        throw error;
      } finally {
        this.#doing.delete(key);
      }
    }
  }

  /**
   * Takes down the cluster that this run has joined and that does not answer, unless another run uses it.
   * @returns who uses it, in words: nobody where it is gone, and this run's to acquire anew
   */
  async replace(): Promise<string[]> {
    const answer = await this.#store.transact((found) => transitions.replace(found, this.#me, this.#isAlive));
    if (answer.to === 'leave') return answer.users.map((user) => describeInTheWay(user, this.#options));
    await this.#delete(answer.state);
    return [];
  }

  /** The other runs that used the cluster when it was last looked, in words. */
  others(): string[] {
    const state = this.#store.peek();
    const users = state === undefined ? [] : transitions.liveLeases(state, this.#isAlive);
    return users.filter(({ runId }) => runId !== this.#me.runId).map(describeHolder);
  }

  /** The ids of the runs that use the cluster now, this one included: asked anew, as others are taken for dead by it. */
  async liveRuns(): Promise<string[]> {
    const users = await this.#store.transact(
      (found) => ({
        state: found,
        result: found === undefined ? [] : transitions.liveLeases(found, this.#isAlive),
      }),
      this.#options.signal,
    );
    return users.map(({ runId }) => runId);
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
    return (this.#released ??= closing(this.#store, () => this.#depart()).finally(() => {
      this.#released = undefined;
    }));
  }

  async #depart(): Promise<Outcome> {
    const mark = failureMark(this.#options.stateDir, this.#me.runId);
    // the last chance to say so: what keeps it from being said must not keep the lease
    if (existsSync(mark)) await this.markFailed().catch(() => undefined);
    const departure = await this.#store.transact((found) =>
      transitions.depart(found, this.#me, this.#me.runId, this.#isAlive, this.#removal),
    );
    rmSync(mark, { force: true });
    if (departure.to === 'leave') {
      await this.#takeBack();
      return 'left';
    }
    if (departure.to === 'keep') return this.#foundKept ? 'kept again' : 'kept';
    await this.#delete(departure.state);
    return 'deleted';
  }

  /**
   * What a run set up before it knew that it had been taken for dead is nobody's any more: those who deleted that life
   * of the cluster may have been done before.
   */
  async #takeBack(): Promise<void> {
    const { name, deleteCluster } = this.#options;
    const id = this.#me.runId;
    const state = this.#store.peek();
    const isInOrder = state?.id === id && state.phase !== 'deleting';
    if (!this.#store.mayErr || this.#hasJoined || isInOrder) return;
    const removal: Removal = this.#removal ?? { provider: 'existing', name, runtime: null };
    await deleteCluster({ name, id, folder: this.#store.folder, removal });
  }

  #delete(state: ClusterState): Promise<void> {
    return deleteAs(this.#me, this.#store, state, this.#options);
  }

  /** Waits for a change, having said once for whom. */
  #waiting() {
    let said: string | undefined;
    return async (holder: Holder, doing: string) => {
      const words = describeInTheWay(holder, this.#options);
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

function conflict(
  cluster: Pick<LeaseOptions, 'name' | 'provider'>,
  { differing, users }: Extract<transitions.Arrival, { to: 'refuse' }>,
): JestKubernetesError {
  return new JestKubernetesError(
    'CONFIG_CONFLICT',
    `the cluster ${cluster.name} is in use, and was made from another configuration`,
    {
      evidence: [...differing, ...users.map((user) => `used by ${describeInTheWay(user, cluster)}`)],
      remedy:
        'Use the same settings in both, give this one another `cluster.name`, or wait for that run to end.',
    },
  );
}
