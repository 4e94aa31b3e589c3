import type { ClusterAccess, ClusterLease, ClusterNode, Json } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import type { Progress } from '../report/index.js';
import { clusterPhases } from './cluster-phases.js';
import type { ClusterSource, Joined } from './cluster-source.js';
import type { WorkerEnvironment } from './environment.js';
import { hookPhases } from './hook-phases.js';
import { imagePhases } from './image-phases.js';
import { manifestPhases } from './manifest-phases.js';
import type { Phase } from './phases.js';
import { postgresPhases } from './postgres-phases.js';

/** What the phases of one run share. */
export interface RunContext {
  readonly runId: string;
  readonly config: Config;
  readonly lease: ClusterLease;
  readonly source: ClusterSource;
  readonly environment: WorkerEnvironment;
  /** The cluster, where another run made it and it answers; undefined where this run creates it. */
  readonly joined: Joined | undefined;
  /** What has been done in the cluster's life already, by the keys of its ledger. */
  readonly done: ReadonlySet<string>;
  readonly milestones: Milestones;
  /** To be done when the run ends, before the lease is given back; the last added first. */
  readonly closing: (() => Promise<void>)[];
}

/** What the phases come after besides each other: the cluster's own way to be ready. */
export class Milestones {
  /** Every node's containerd answers. */
  readonly nodes = Promise.withResolvers<readonly ClusterNode[]>();
  /** The API server answers. */
  readonly api = Promise.withResolvers<ClusterAccess>();
  /** A test can use the cluster. */
  readonly ready = Promise.withResolvers<ClusterAccess>();

  constructor() {
    // each is awaited by the phases that need it; one that nobody needs must not count as unhandled
    for (const { promise } of [this.nodes, this.api, this.ready]) promise.catch(() => undefined);
  }

  byName(): Record<'nodes' | 'api' | 'ready', Promise<unknown>> {
    return { nodes: this.nodes.promise, api: this.api.promise, ready: this.ready.promise };
  }
}

/** All phases of a run. Those whose work has been done in the cluster's life already are not among them. */
export function plan(context: RunContext): Phase[] {
  const phases = [
    ...clusterPhases(context),
    ...imagePhases(context),
    ...manifestPhases(context),
    ...postgresPhases(context),
  ];
  return [...phases, ...hookPhases(context, phases)];
}

/**
 * Does work once in the cluster's life, whichever run comes first. Waiting for another run is not standing still: that
 * run has its own limits.
 */
export async function once<T extends Json>(
  { lease }: RunContext,
  key: string,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  let mine = false;
  const patience = setInterval(() => {
    if (!mine) progress.moved();
  }, 1000);
  try {
    return await lease.once(key, () => {
      mine = true;
      return work();
    });
  } finally {
    clearInterval(patience);
  }
}
