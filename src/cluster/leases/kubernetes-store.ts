import { randomBytes } from 'node:crypto';

import { ApiError, passesByItself } from '../../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { backoff, type Clock, systemClock } from './clock.js';
import { type Heart, type StartHeart, startHeart } from './heart.js';
import {
  type LeaseApi,
  LeaseObjects,
  leaseSeconds,
  type RunObject,
  type StateObject,
} from './lease-objects.js';
import { type ClusterState, type Holder, lostState, parseState } from './state.js';
import type { StateStore } from './store.js';
import type { Change, Found } from './transitions.js';

/*
 * The state of a cluster that several machines share, in that cluster itself (lease-objects.ts).
 *
 * A run takes part only while it has a lease, which its heart renews in a thread of its own. Whoever acts on a run's
 * death makes it certain first: it takes the lease away, under the version that it saw last, so that a renewal that
 * came meanwhile keeps the run alive. A run whose lease was taken away makes no new one in silence: it takes part again
 * only by a write to the state in which it still is, which makes those who were about to write look again.
 */

const lookEvery = 1000;
/** How long a server that does not answer is asked, in milliseconds; a control plane that restarts takes half of it. */
const patience = 60_000;
/** How often what does not come to its end is begun. */
const attempts = 60;
/** An answer that took longer than that may be outdated, in milliseconds: the process, or its machine, has slept. */
const late = (leaseSeconds * 1000) / 2;
/** The longest pauses between two attempts, in milliseconds: that others came before, and that the server is not well. */
const longest = { overtaken: 500, unwell: 5000 };

/** Somebody else has come before; it is tried again. */
class Overtaken extends Error {}

export interface KubernetesStoreOptions {
  /** Absolute path of the run's folder; before the first use its `kubeconfig` must be there. */
  folder: string;
  name: string;
  runId: string;
  /** Others took this run for dead and acted on it: it has no part in the cluster any more. */
  onLost?: ((error: JestKubernetesError) => void) | undefined;
  /** The API server; called when it is first needed. */
  open: () => LeaseApi & Partial<Disposable>;
  /** Takes the run's folder away. */
  discard: () => Promise<void>;
  /** Default: a thread. */
  beat?: StartHeart | undefined;
  clock?: Clock | undefined;
}

export class KubernetesStore implements StateStore {
  readonly mayErr = true;
  readonly folder: string;
  readonly #options: KubernetesStoreOptions;
  readonly #clock: Clock;
  #api: (LeaseApi & Partial<Disposable>) | undefined;
  #objects: LeaseObjects | undefined;
  #heart: Heart | undefined;
  #taking: Promise<void> | undefined;
  /** Whether there may be a lease of this run's. */
  #hasLease = false;
  #isMember = false;
  /** When the server last said what the state is, by this process's clock. */
  #answered = 0;
  /** By the API server's clock, in milliseconds: it is at least that late. */
  #now = 0;
  #state: ClusterState | undefined;
  #seen: string | undefined;
  #alive: ReadonlySet<string> = new Set();
  #isClosed = false;

  constructor(options: KubernetesStoreOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.#clock = options.clock ?? systemClock;
  }

  async transact<Result>(change: (found: Found) => Change<Result>, signal?: AbortSignal): Promise<Result> {
    const write = randomBytes(8).toString('hex');
    // what an attempt came to whose answer did not arrive
    let unsure: Change<Result> | undefined;
    this.#answered = this.#clock.now();
    for (let attempt = 0; ; attempt += 1) {
      const begun = this.#clock.date();
      try {
        signal?.throwIfAborted();
        await this.#takePart();
        const object = await this.#read();
        if (unsure !== undefined && object?.write === write) return await this.#became(unsure, begun);
        const found = this.#state;
        // after the state: whoever is in it had a lease before
        this.#alive = await this.#living();
        const next = change(found);
        if (next.state === found) return await this.#became(next, begun);
        unsure = next;
        if (await this.#write(object, next.state, write)) return await this.#became(next, begun);
        unsure = undefined;
        await this.#clock.pause(backoff(attempt, longest.overtaken), signal);
      } catch (error) {
        signal?.throwIfAborted();
        const isOver = attempt > attempts || this.#clock.now() - this.#answered > patience;
        if (isOver || !(error instanceof Overtaken || passesByItself(error))) throw this.#unusable(error);
        await this.#clock.pause(backoff(attempt, longest.unwell), signal);
      }
    }
  }

  peek(): ClusterState | undefined {
    return this.#state;
  }

  async changed(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const before = this.#seen;
    const end = this.#clock.now() + Math.max(timeoutMs, lookEvery);
    while (this.#clock.now() < end && this.#seen === before) {
      await this.#clock.pause(lookEvery, signal);
      // one that fails is made good by the next, and by what follows
      await this.#read().catch(() => undefined);
    }
  }

  isAlive({ runId }: Holder): boolean {
    return runId === this.#options.runId || this.#alive.has(runId);
  }

  async close(outcome: 'done' | 'unfinished'): Promise<void> {
    this.#isClosed = true;
    // what is under way must not make a lease after it is taken away
    await this.#taking?.catch(() => undefined);
    const heart = this.#heart;
    this.#heart = undefined;
    await heart?.stop();
    try {
      if (outcome === 'unfinished') return;
      if (this.#hasLease) await this.#open().deleteRun(this.#options.runId);
      await this.#options.discard();
    } finally {
      this.#api?.[Symbol.dispose]?.();
      this.#api = undefined;
      this.#objects = undefined;
    }
  }

  /** From now on others see that this run lives. */
  async #takePart(): Promise<void> {
    if (this.#isClosed) throw new Error(`run ${this.#options.runId} has given its lease back`);
    if (this.#heart !== undefined) return;
    await (this.#taking ??= this.#begin().finally(() => (this.#taking = undefined)));
  }

  async #begin(): Promise<void> {
    const { runId, beat = startHeart } = this.#options;
    const objects = this.#open();
    this.#hasLease = true;
    await objects.createRun(runId);
    const now = await objects.renewRun(runId);
    // somebody took it away in that moment: the next attempt makes another
    if (now === undefined) throw new Overtaken(`the lease of ${runId} is gone`);
    if (this.#isClosed) return;
    this.#now = now;
    const heart = beat(
      { folder: this.folder, name: this.#options.name, runId },
      {
        onRenewed: (at) => (this.#now = Math.max(this.#now, at)),
        onGone: () => {
          if (this.#heart !== heart) return;
          this.#heart = undefined;
          void this.#comeBack();
        },
      },
    );
    this.#heart = heart;
  }

  /** This run was taken for dead. Where nobody has acted on it yet, it says that it is not. */
  async #comeBack(): Promise<void> {
    const { runId, onLost } = this.#options;
    // one that only waits has nothing to lose
    while (this.#isMember && !this.#isClosed) {
      try {
        const isIn = await this.transact((found) => {
          const isIn = takesPart(found, runId);
          return { state: isIn && found !== undefined ? { ...found } : found, result: isIn };
        });
        if (!isIn) onLost?.(this.#lost());
        return;
      } catch {
        // until it knows
        await this.#clock.pause(longest.unwell);
      }
    }
  }

  #lost(): JestKubernetesError {
    return new JestKubernetesError(
      'NO_CLUSTER',
      `This run was taken for dead, and has lost its part in ${this.#options.name}`,
      {
        evidence: [
          `its lease was not renewed for ${leaseSeconds} s: the machine slept, or could not reach the cluster`,
          'other runs have gone on without it, and what it had set up may be deleted',
        ],
        remedy: 'Run the tests again.',
      },
    );
  }

  /** Those who live; what is left of others is taken away. */
  async #living(): Promise<Set<string>> {
    const objects = this.#open();
    const alive = new Set<string>();
    for (const run of await objects.listRuns()) {
      if (run.runId === this.#options.runId) continue;
      if (!this.#isOverdue(run) || !(await objects.bury(run))) alive.add(run.runId);
    }
    return alive;
  }

  #isOverdue({ writtenAt }: RunObject): boolean {
    return this.#now - writtenAt >= leaseSeconds * 1000;
  }

  async #became<Result>({ state, result }: Change<Result>, begun: number): Promise<Result> {
    this.#state = state;
    this.#isMember = takesPart(state, this.#options.runId);
    if (this.#isMember && this.#clock.date() - begun > late) await this.#confirm();
    return result;
  }

  /** What was true when it was asked may not be any more. @throws NO_CLUSTER where this run was taken for dead meanwhile */
  async #confirm(): Promise<void> {
    if ((await this.#open().renewRun(this.#options.runId)) !== undefined) return;
    const heart = this.#heart;
    this.#heart = undefined;
    await heart?.stop();
    await this.#comeBack();
    if (!this.#isMember) throw this.#lost();
  }

  async #read(): Promise<StateObject | undefined> {
    const { name } = this.#options;
    const object = await this.#open().readState();
    this.#answered = this.#clock.now();
    this.#seen = object?.resourceVersion;
    this.#state = object === undefined ? undefined : stateIn(object, name);
    return object;
  }

  async #write(
    before: StateObject | undefined,
    state: ClusterState | undefined,
    write: string,
  ): Promise<boolean> {
    const objects = this.#open();
    if (state === undefined) return before === undefined || objects.deleteState(before);
    const holder = state.by?.runId ?? '';
    return objects.writeState(before, { text: JSON.stringify(state), id: state.id, holder, write });
  }

  #open(): LeaseObjects {
    if (this.#objects !== undefined) return this.#objects;
    const { name, open } = this.#options;
    this.#api = open();
    return (this.#objects = new LeaseObjects(this.#api, name));
  }

  #unusable(error: unknown): JestKubernetesError {
    if (error instanceof JestKubernetesError) return error;
    const forbidden = error instanceof ApiError && error.status === 403;
    return new JestKubernetesError(
      'STATE_UNUSABLE',
      'The runs that share this cluster cannot be coordinated',
      {
        evidence: [`${this.#objects?.path ?? this.folder}: ${messageOf(error)}`],
        remedy: forbidden
          ? 'The kubeconfig’s user needs get, list, create, update, patch and delete on leases.coordination.k8s.io there.'
          : 'See that its API server answers: the runs meet in Lease objects there.',
        cause: error,
      },
    );
  }
}

function stateIn({ text, id }: StateObject, name: string): Found {
  if (text === undefined) return lostState(name, 'its state was taken away', id);
  const parsed = parseState(text, name);
  return 'state' in parsed ? parsed.state : lostState(name, `its state ${parsed.wrong}`, id);
}

/** Whether others must know that this run lives. */
const takesPart = (state: Found, runId: string): boolean =>
  state !== undefined && (runId in state.leases || state.by?.runId === runId);
