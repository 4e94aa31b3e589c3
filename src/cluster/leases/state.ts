import type { KeepPolicy } from '../../config/index.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import type { EngineRecord } from '../../runtime/index.js';
import { differingLeaves } from '../../support/differing-leaves.js';
import { type ProcessIdentity, standingOf } from '../../support/process-identity.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A run (or a watchdog in its place) as others see it: who to wait for, and whether it still lives. */
export interface Holder {
  runId: string;
  process: ProcessIdentity;
  /** For readers only: */
  cwd: string;
  command: string;
  /** ISO 8601; shown, never compared: clocks jump. */
  since: string;
}

/** That a run uses the cluster. */
export interface Lease extends Holder {
  keep: KeepPolicy;
  /**
   * Of one that holds the cluster ready for whoever comes next, and is no user of it: whether its containers run, stand
   * still, or are just being told. Default: it is a run's.
   */
  standby?: 'busy' | 'running' | 'paused';
}

/**
 * What a cluster was made from and what cannot be changed later, in words that can be shown. A key that one side alone
 * has can be added, and then counts.
 */
export type Made = Readonly<Record<string, Json>>;

/** What it takes to delete a cluster when nobody who knows its configuration is left. */
export interface Removal {
  provider: 'kind' | 'existing';
  name: string;
  /** The container engine that it was made with; null for `existing`. */
  runtime: EngineRecord | null;
}

type LedgerEntry = { state: 'doing'; by: string } | { state: 'done'; value: Json };

/** All that is known of one cluster, from the moment somebody sets out to create it until it is gone. */
export interface ClusterState {
  version: 1;
  name: string;
  /** Of this life of the cluster, the creating run's: one that is made anew under the same name has another. */
  id: string;
  phase: 'creating' | 'ready' | 'deleting';
  /** Who creates, created or deletes it; null when the deleter gave up. */
  by: Holder | null;
  made: Made;
  /** Null when the state was lost: only a run that wants this very cluster knows how to delete it. */
  removal: Removal | null;
  access: ClusterAccess | null;
  /** By run id. A creator holds one from the start. */
  leases: Readonly<Record<string, Lease>>;
  /** What has been done to the cluster once, by key. */
  ledger: Readonly<Record<string, LedgerEntry>>;
  /** The strongest policy of all the runs that have used it. */
  keep: KeepPolicy;
  failed: boolean;
  kept: { reason: 'on-failure' | 'always'; since: string } | null;
  /** Why it could not be deleted, or what happened to its state. */
  problem: string | null;
}

/** What stands in for a state that cannot be read: something may exist, and nobody is known to use it. */
export function lostState(name: string, problem: string, id = ''): ClusterState {
  return {
    version: 1,
    name,
    id,
    phase: 'deleting',
    by: null,
    made: {},
    removal: null,
    access: null,
    leases: {},
    ledger: {},
    keep: 'never',
    failed: false,
    kept: null,
    problem,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isHolder = (value: unknown): value is Holder =>
  isObject(value) &&
  typeof value['runId'] === 'string' &&
  isObject(value['process']) &&
  typeof value['process']['pid'] === 'number' &&
  typeof value['process']['startedAt'] === 'string';

// by hand, as zod's 100 ms and more would be most of what joining costs
const checks: { [Key in keyof ClusterState]: (value: unknown) => boolean } = {
  version: (value) => value === 1,
  id: (value) => typeof value === 'string',
  name: (value) => typeof value === 'string',
  phase: (value) => value === 'creating' || value === 'ready' || value === 'deleting',
  by: (value) => value === null || isHolder(value),
  made: isObject,
  removal: (value) => value === null || (isObject(value) && typeof value['provider'] === 'string'),
  access: (value) => value === null || (isObject(value) && typeof value['kubeconfig'] === 'string'),
  leases: (value) => isObject(value) && Object.values(value).every(isHolder),
  ledger: (value) => isObject(value) && Object.values(value).every(isObject),
  keep: (value) => value === 'never' || value === 'on-failure' || value === 'always',
  failed: (value) => typeof value === 'boolean',
  kept: (value) => value === null || isObject(value),
  problem: (value) => value === null || typeof value === 'string',
};

const brief = (value: unknown) => (value === undefined ? 'none' : JSON.stringify(value).slice(0, 80));

/** A state read from text, or the word that says what is wrong with it and the users that it still names. */
export function parseState(
  text: string,
  name: string,
): { state: ClusterState } | { wrong: string; users: readonly Holder[] } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return { wrong: text.trim() === '' ? 'is empty' : 'is not JSON', users: [] };
  }
  if (!isObject(read)) return { wrong: 'is not an object', users: [] };
  const bad = Object.entries(checks).find(([key, check]) => !check(read[key]))?.[0];
  if (bad === undefined && read['name'] === name) return { state: read as unknown as ClusterState };
  const users = isObject(read['leases']) ? Object.values(read['leases']).filter(isHolder) : [];
  return {
    wrong: `has an unknown ${bad ?? 'name'}: ${brief(read[bad ?? 'name'])}`,
    users,
  };
}

/** One line for each thing that differs. */
export function differences(theirs: Made, mine: Made): string[] {
  const shared = (one: Made, other: Made): Made =>
    Object.fromEntries(Object.entries(one).filter(([key]) => key in other));
  const show = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value));
  return differingLeaves(shared(theirs, mine), shared(mine, theirs)).map(
    ({ path, one, other }) => `${path}: ${show(one)} there, ${show(other)} here`,
  );
}

/** A run in a few words: `npm test in /home/me/shop (pid 4711), since 09:41:07`. */
export function describeHolder({ command, cwd, process: process_, since }: Holder): string {
  const { pid } = process_;
  const started = new Date(since);
  const time = Number.isNaN(started.getTime()) ? '' : `, since ${started.toTimeString().slice(0, 8)}`;
  return `${command} in ${cwd} (pid ${pid}${where(process_)})${time}`;
}

/** Where it runs, unless that is here. */
function where(holder: ProcessIdentity): string {
  const standing = standingOf(holder);
  if (standing === 'same kernel') return ' of another container';
  return standing === 'elsewhere' ? ` on ${holder.machine?.split('/')[0] ?? 'another machine'}` : '';
}
