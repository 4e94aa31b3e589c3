import type { ClusterLease, ClusterNode, ClusterProvider, JoinedCluster, Json } from '../cluster/index.js';
import type { Config, ImageSource } from '../config/index.js';
import { imageSourceKey } from '../images/index.js';
import {
  type AwaitedObject,
  type ClusterAccess,
  type ManifestReading,
  type Manifests,
  namespaceFor,
  type Owner,
} from '../kubernetes/index.js';
import type { PostgresAddress, PostgresServer } from '../postgres/index.js';
import type { Progress, Report } from '../report/index.js';
import type { WorkerEnvironment } from './environment.js';

/** What the phases of one run share. */
export interface RunContext {
  readonly runId: string;
  /** When the run began, in milliseconds since the epoch. */
  readonly startedAt: number;
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly lease: ClusterLease;
  readonly provider: ClusterProvider;
  readonly environment: WorkerEnvironment;
  /**
   * Whose mark what is made in a cluster that stays carries: all runs' that share it. Undefined where the cluster goes,
   * and all with it.
   */
  readonly owner: Owner | undefined;
  /** The cluster, where another run made it and it answers; undefined where this run creates it. */
  readonly joined: JoinedCluster | undefined;
  /** What has been done in the cluster's life already, by the keys of its ledger. */
  readonly done: ReadonlySet<string>;
  readonly milestones: Milestones;
  /** What the manifests are, as far as files tell. */
  readonly reading: ManifestReading;
  /** To be done when the run ends, before the lease is given back; the last added first. */
  readonly closing: (() => Promise<void>)[];
  /** To be done when the lease has been given back, by a run that had come to be ready. */
  readonly afterwards: ((report: Report) => Promise<void>)[];
}

/** Something that a run comes to once. */
class Milestone<T> {
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
  /** The manifests are read, those that a program builds too. */
  readonly manifests = new Milestone<Manifests>();
  /** What of the manifests' objects is waited for is known. */
  readonly awaited = new Milestone<readonly AwaitedObject[]>();
  /** PostgreSQL's objects are there. */
  readonly server = new Milestone<PostgresServer>();
  /** PostgreSQL answers. */
  readonly database = new Milestone<PostgresAddress>();

  byName(): Record<'nodes' | 'api' | 'ready', Promise<unknown>> {
    return { nodes: this.nodes.promise, api: this.api.promise, ready: this.ready.promise };
  }
}

/** The node that publishes the ports of what the package itself brings; undefined in a cluster whose nodes are not ours. */
export async function publishingNode({ owner, milestones }: RunContext): Promise<string | undefined> {
  if (owner !== undefined) return undefined;
  const nodes = await milestones.nodes.promise;
  return nodes.find(({ role }) => role === 'control-plane')?.hostname;
}

/** Where the package's own objects live. */
export const namespaceOf = ({ owner }: Pick<RunContext, 'owner'>): string => namespaceFor(owner);

/** The images that this run brings into the cluster: what is built, or read from a file, may have changed since. */
export function imagesToBring({ config, done }: Pick<RunContext, 'config' | 'done'>): ImageSource[] {
  return config.images.filter(
    (source) => !(source.kind === 'pull' && done.has(`image:${imageSourceKey(source)}`)),
  );
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
  { lease }: Pick<RunContext, 'lease'>,
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
