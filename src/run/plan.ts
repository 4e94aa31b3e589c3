import type { ClusterLease, ClusterNode, Json } from '../cluster/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import type { Config } from '../config/index.js';
import type { Progress } from '../report/index.js';
import { postgresNamespace } from '../postgres/index.js';
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
  /** The images' way into the cluster, by the keys of their sources; those that are there already are not among them. */
  readonly imports: Map<string, Milestone<true>>;
  /** To be done when the run ends, before the lease is given back; the last added first. */
  readonly closing: (() => Promise<void>)[];
}

/** Something that a run comes to once. */
export class Milestone<T> {
  /** Undefined until it is reached. */
  value: T | undefined;
  readonly promise: Promise<T>;
  readonly reach: (value: T) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.promise = promise;
    this.reach = (value) => {
      this.value = value;
      resolve(value);
    };
  }
}

/** What the phases come after besides each other: the cluster's own way to be ready. */
export class Milestones {
  /** Every node's containerd answers. */
  readonly nodes = new Milestone<readonly ClusterNode[]>();
  /** The API server answers. */
  readonly api = new Milestone<ClusterAccess>();
  /** A test can use the cluster. */
  readonly ready = new Milestone<ClusterAccess>();

  byName(): Record<'nodes' | 'api' | 'ready', Promise<unknown>> {
    return { nodes: this.nodes.promise, api: this.api.promise, ready: this.ready.promise };
  }
}

/** Where the package's own objects live: a cluster of several sharers has one for each name. */
export function namespaceOf({ cluster }: Config): string {
  return cluster.provider === 'kind' ? postgresNamespace : `${postgresNamespace}-${cluster.name}`;
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

/** Does work whose limits do not count while it waits for something that has limits of its own. */
export async function sparing<T>(
  progress: Progress,
  waitsForOthers: () => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const patience = setInterval(() => {
    if (waitsForOthers()) progress.moved();
  }, 1000);
  try {
    return await work();
  } finally {
    clearInterval(patience);
  }
}

/** Does work once in the cluster's life, whichever run comes first; the others wait for it. */
export async function once<T extends Json>(
  { lease }: RunContext,
  key: string,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  let mine = false;
  const waiting = (): boolean => !mine;
  return sparing(progress, waiting, () =>
    lease.once(key, () => {
      mine = true;
      return work();
    }),
  );
}
