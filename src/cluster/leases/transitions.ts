import type { KeepPolicy } from '../../config/index.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import { type ClusterState, differences, type Holder, type Lease, type Made, type Removal } from './state.js';

/*
 * Every change of a cluster's state, as pure functions. What a run that arrives, and one that departs, finds and
 * what follows:
 *
 *   found                            arrives            departs (or its watchdog, or a sweep)
 *   ───────────────────────────────  ─────────────────  ─────────────────────────────────────
 *   nothing                          create             –
 *   creating, by a live run          wait (or refuse)   –
 *   creating, by a dead one          delete             delete
 *   ready, made the same             join               –  while another live run uses it
 *   ready, made otherwise, in use    refuse             –
 *   ready, made otherwise, unused    delete             kept, if a run asked for it; else delete
 *   ready, on standby                join, alone        –  while the one that holds it ready lives
 *   deleting, by a live process      wait               –
 *   deleting, by a dead one          delete             delete
 *
 * "Delete" makes the caller the deleter: it deletes the cluster while nobody holds the lock, then says `gone`, and
 * one that arrives looks again. A run that departs counts as dead, whether its process still runs or not.
 *
 * Who holds a cluster on standby uses nothing: it creates one as a run does, and whoever arrives takes it over. Its lease
 * goes with that, so that it cannot act on the cluster any more.
 */

/** What becomes of the state (undefined: there is none any more), and what the caller is told. */
export interface Change<Result> {
  state: ClusterState | undefined;
  result: Result;
}
export type IsAlive = (holder: Holder) => boolean;
export type Found = ClusterState | undefined;

export interface Wanted {
  made: Made;
  removal: Removal;
}

export type Arrival =
  | { to: 'create' }
  | { to: 'join'; state: ClusterState; wasKept: boolean; wasStandby: boolean }
  | { to: 'wait'; holder: Holder; doing: 'creating' | 'deleting' | 'preparing' }
  | { to: 'delete'; state: ClusterState; why: string }
  | { to: 'refuse'; differing: readonly string[]; users: readonly Lease[] };

export type Departure =
  { to: 'leave' } | { to: 'keep'; reason: 'on-failure' | 'always' } | { to: 'delete'; state: ClusterState };

export const stay = <Result>(state: Found, result: Result): Change<Result> => ({ state, result });

const strength: readonly KeepPolicy[] = ['never', 'on-failure', 'always'];
const stronger = (one: KeepPolicy, other: KeepPolicy) =>
  strength.indexOf(one) > strength.indexOf(other) ? one : other;

/** The runs that use the cluster now. */
export const liveLeases = (state: ClusterState, isAlive: IsAlive): Lease[] =>
  Object.values(state.leases).filter((lease) => lease.standby === undefined && isAlive(lease));

/** Who holds the cluster on standby. */
export const standbyOf = (state: ClusterState, isAlive: IsAlive): Lease | undefined =>
  Object.values(state.leases).find((lease) => lease.standby !== undefined && isAlive(lease));

export const without = <Value>(
  record: Readonly<Record<string, Value>>,
  gone: (value: Value, key: string) => boolean,
) => Object.fromEntries(Object.entries(record).filter(([key, value]) => !gone(value, key)));

/** Nobody uses it from now on, and `by` deletes it. */
const deleting = (state: ClusterState, by: Holder): ClusterState => ({
  ...state,
  phase: 'deleting',
  by,
  leases: {},
  ledger: {},
  kept: null,
});

/** A run wants the cluster. */
export function arrive(state: Found, me: Lease, wanted: Wanted, isAlive: IsAlive): Change<Arrival> {
  if (state === undefined) return { state: created(me, wanted), result: { to: 'create' } };
  const users = liveLeases(state, isAlive);
  const differing = differences(state.made, wanted.made);
  const live = state.by !== null && isAlive(state.by) ? state.by : undefined;
  const deletion = (why: string): Change<Arrival> => {
    // a lost state knows nothing; what I want has the same name, so that my way of deleting it fits
    const next = deleting({ ...state, removal: state.removal ?? wanted.removal }, me);
    return { state: next, result: { to: 'delete', state: next, why } };
  };

  if (state.phase === 'deleting') {
    if (live !== undefined) return stay(state, { to: 'wait', holder: live, doing: 'deleting' });
    return deletion(state.problem ?? 'it was being deleted by a process that has died');
  }
  if (differing.length > 0 && users.length > 0) return stay(state, { to: 'refuse', differing, users });
  // it is there already
  if (me.standby !== undefined) return stay(state, { to: 'refuse', differing, users });
  if (state.phase === 'creating') {
    // said twice, as the first answer did not arrive
    if (state.by?.runId === me.runId) return stay(state, { to: 'create' });
    if (live !== undefined) return stay(state, { to: 'wait', holder: live, doing: 'creating' });
    return deletion('it was being created by a process that has died');
  }
  const standby = standbyOf(state, isAlive);
  // what is being done to it comes to its end first
  if (standby?.standby === 'busy') return stay(state, { to: 'wait', holder: standby, doing: 'preparing' });
  if (differing.length > 0)
    return deletion(`it was made from another configuration (${differing.join('; ')})`);
  const next = joined(state, me, wanted, isAlive);
  const wasStandby = standby !== undefined;
  return { state: next, result: { to: 'join', state: next, wasKept: state.kept !== null, wasStandby } };
}

const created = (me: Lease, { made, removal }: Wanted): ClusterState => ({
  version: 1,
  name: removal.name,
  id: me.runId,
  phase: 'creating',
  by: me,
  made,
  removal,
  access: null,
  leases: { [me.runId]: me },
  ledger: {},
  keep: me.keep,
  failed: false,
  kept: null,
  problem: null,
});

/**
 * Work whose outcome lasts while runs use the cluster: the first to come to one that was kept does it anew, since what
 * it reads (a migration's files) may have changed, and nobody else uses what it makes.
 */
const lastsWhileInUse = (key: string) => key.startsWith('template:');

function joined(state: ClusterState, me: Lease, { made }: Wanted, isAlive: IsAlive): ClusterState {
  // one that was kept for a failure has been looked at: this run's own outcome decides. `always` stays.
  const kept = state.kept?.reason === 'on-failure' ? { keep: 'never' as const, failed: false } : {};
  const next = { ...state, ...kept, kept: null };
  const inUse = liveLeases(state, isAlive).length > 0;
  return {
    ...next,
    made: { ...made, ...state.made },
    ledger: inUse ? state.ledger : without(state.ledger, (_, key) => lastsWhileInUse(key)),
    keep: stronger(next.keep, me.keep),
    leases: {
      ...without(state.leases, (lease) => lease.standby !== undefined || !isAlive(lease)),
      [me.runId]: me,
    },
  };
}

/**
 * A run is finished with the cluster, or dead; without a run id, somebody passes by and looks whether it is abandoned.
 * @param me - who deletes it, if it comes to that
 */
export function depart(
  state: Found,
  me: Holder,
  runId: string | undefined,
  isAlive: IsAlive,
  removal: Removal | null = null,
): Change<Departure> {
  if (state === undefined) return stay(state, { to: 'leave' });
  const next: ClusterState = {
    ...state,
    leases: without(state.leases, (lease) => lease.runId === runId || !isAlive(lease)),
    ledger: without(state.ledger, (entry) => entry.state === 'doing' && entry.by === runId),
  };
  const byAnother = state.by !== null && state.by.runId !== runId && isAlive(state.by);
  if (state.phase === 'ready' ? Object.keys(next.leases).length > 0 : byAnother)
    return stay(next, { to: 'leave' });
  if (state.phase === 'ready') {
    if (state.kept !== null) return stay(next, { to: 'keep', reason: state.kept.reason });
    const reason = state.keep === 'on-failure' && !state.failed ? 'never' : state.keep;
    if (reason !== 'never') {
      return stay({ ...next, kept: { reason, since: new Date().toISOString() } }, { to: 'keep', reason });
    }
  }
  const known = state.removal ?? removal;
  if (known === null) return stay(state, { to: 'leave' });
  const end = deleting({ ...state, removal: known }, me);
  return { state: end, result: { to: 'delete', state: end } };
}

/** A run has joined a cluster that does not answer: it takes it down, unless another live run uses it. */
export function replace(
  state: Found,
  me: Holder,
  isAlive: IsAlive,
): Change<{ to: 'delete'; state: ClusterState } | { to: 'leave'; users: readonly Holder[] }> {
  if (state === undefined || !holds(state, me.runId)) return stay(state, { to: 'leave', users: [] });
  const users = liveLeases(state, isAlive).filter(({ runId }) => runId !== me.runId);
  if (users.length > 0) return stay(state, { to: 'leave', users });
  const end = deleting(state, me);
  return { state: end, result: { to: 'delete', state: end } };
}

/**
 * Somebody asks for it to be deleted, kept or not; who uses it now is the answer, unless that does not matter.
 * @param mayBeGone - of a deleter of whom it cannot be known that it lives: whoever insists goes on in its place
 */
export function takeDown(
  state: Found,
  me: Holder,
  isAlive: IsAlive,
  { evenInUse, mayBeGone = () => false }: { evenInUse: boolean; mayBeGone?: IsAlive },
): Change<{ to: 'delete'; state: ClusterState } | { to: 'leave'; users: readonly Holder[] }> {
  if (state?.removal == null) return stay(state, { to: 'leave', users: [] });
  const deleter = state.phase === 'deleting' ? state.by : undefined;
  const users =
    deleter === undefined
      ? liveLeases(state, isAlive)
      : [deleter].filter((by) => by !== null).filter(isAlive);
  const insists = evenInUse && (deleter === undefined || users.every(mayBeGone));
  if (users.length > 0 && !insists) return stay(state, { to: 'leave', users });
  const end = deleting(state, me);
  return { state: end, result: { to: 'delete', state: end } };
}

/** The deleter is done. */
export function gone(state: Found, me: Holder): Change<void> {
  return stay(isDeleter(state, me) ? undefined : state, undefined);
}

/** The deleter gives up; the next one to come by tries again. */
export function removalFailed(state: Found, me: Holder, problem: string): Change<void> {
  return stay(isDeleter(state, me) ? { ...state, by: null, problem } : state, undefined);
}

const isDeleter = (state: Found, me: Holder): state is ClusterState =>
  state?.phase === 'deleting' && state.by?.runId === me.runId && state.by.process.pid === me.process.pid;

/** Whether a run (still) has its lease. A change for one that has not leaves the state as it is. */
export const holds = (state: Found, runId: string): state is ClusterState =>
  state !== undefined && state.phase !== 'deleting' && runId in state.leases;

/** The creator is done: others may join. The result: whether it still held its lease, here and below. */
export function becomeReady(state: Found, runId: string, access: ClusterAccess): Change<boolean> {
  if (!holds(state, runId)) return stay(state, false);
  return stay({ ...state, phase: 'ready', access }, true);
}

/**
 * Who holds the cluster on standby tells its containers to stand still or to go on, and before that and after it says so.
 * @returns whether it is still its to tell
 */
export function rest(state: Found, runId: string, standby: NonNullable<Lease['standby']>): Change<boolean> {
  const lease = state?.leases[runId];
  if (!holds(state, runId) || lease?.standby === undefined) return stay(state, false);
  return stay({ ...state, leases: { ...state.leases, [runId]: { ...lease, standby } } }, true);
}

/** A test or the setup failed, in any run. */
export function fail(state: Found, runId: string): Change<boolean> {
  if (!holds(state, runId)) return stay(state, false);
  return stay(state.failed ? state : { ...state, failed: true }, true);
}
