import { loadavg } from 'node:os';

import type { ClusterAccess } from '../../kubernetes/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { orAborted } from '../../support/abort.js';
import { AwakeTimer } from '../../support/awake-timer.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { firstLine } from '../../support/lines.js';
import type { ClusterCreation, CreateOptions } from '../provider.js';
import { createKindCluster } from './create.js';
import { deleteContainers } from './delete-containers.js';
import type { KindProviderOptions } from './kind-provider.js';
import { runtimeCli } from './node-containers.js';
import { dropSnapshot, type Snapshot, tagSnapshot } from './snapshot/index.js';
import { snapshotFor } from './snapshots.js';

type Options = KindProviderOptions & { access: ClusterAccess };

/** How long the API server of a clone may take to answer, in milliseconds of a machine with nothing else to do: it takes 5 s. */
const patience = 20_000;

/** How much of a second counts: a third where three processes want each processor. A quarter at the least: phases stall after 90 s. */
const shareOf =
  ({ cpus }: ContainerRuntime) =>
  (): number =>
    Math.max(1 / 4, Math.min(1, cpus / (loadavg()[0] ?? 0)));

/**
 * Creates a cluster: from a snapshot where there is one of exactly this, and else, or where that comes to nothing, as kind
 * boots it. Does not wait for it.
 */
export function startCluster(options: Options, steps: CreateOptions): ClusterCreation {
  const chosen = choose(options, steps);
  const milestone = <T>(of: (creation: ClusterCreation) => T | Promise<T>): Promise<T> => {
    const reached = chosen.then(of);
    reached.catch(() => undefined);
    return reached;
  };
  return {
    nodes: milestone(({ nodes }) => nodes),
    api: milestone(({ api }) => api),
    ready: milestone(({ ready }) => ready),
    lacksSnapshot: milestone(({ lacksSnapshot = false }) => lacksSnapshot),
  };
}

async function choose(options: Options, steps: CreateOptions): Promise<ClusterCreation> {
  const ordinary = (): ClusterCreation => createKindCluster(options, steps);
  if (!options.cluster.snapshot) return ordinary();
  const snapshot = await find(options, steps);
  const cloned = snapshot === undefined ? undefined : await clone(snapshot, options, steps);
  return cloned ?? { ...ordinary(), lacksSnapshot: Promise.resolve(true) };
}

/** What cannot be found out is no snapshot: kind says what is wrong, if anything is. */
async function find(options: Options, steps: CreateOptions): Promise<Snapshot | undefined> {
  try {
    return await snapshotFor(options, steps);
  } catch (error) {
    steps.signal.throwIfAborted();
    if (error instanceof JestKubernetesError) return undefined;
    throw error;
  }
}

/** A cluster whose API server answers; undefined where it did not come so far, and nothing of it is left. */
async function clone(
  snapshot: Snapshot,
  options: Options,
  { signal, progress }: CreateOptions,
): Promise<ClusterCreation | undefined> {
  const { cluster, directory, env = process.env } = options;
  const engine = await options.runtime();
  const run = runtimeCli(engine, env);
  const given = new AbortController();
  const bound = AbortSignal.any([signal, given.signal]);
  using _timer = new AwakeTimer(
    patience,
    () => {
      given.abort(new Error(`its API server has not answered in time`));
    },
    shareOf(engine),
  );
  progress.note(`starting from the snapshot ${snapshot.key} of ${snapshot.madeAt.slice(0, 10)}`);
  const creation = createKindCluster({ ...options, from: snapshot }, { signal: bound, progress });
  try {
    await orAborted(creation.api, bound);
    void tagSnapshot(snapshot, run).catch(() => undefined);
    return creation;
  } catch (error) {
    signal.throwIfAborted();
    given.abort(error);
    // the name is another's: kind would find it so too
    if (error instanceof JestKubernetesError && error.code === 'CLUSTER_NAME_TAKEN') throw error;
    const { evidence = [] } = error as Partial<JestKubernetesError>;
    const words = [firstLine(messageOf(error)), ...evidence].join(': ');
    const isPorts = /port is already allocated|address already in use/i.test(words);
    progress.note(`the snapshot could not be used, so kind boots a new node (${words})`);
    await deleteContainers({ name: cluster.name, directory, runtime: engine, env, signal, progress });
    if (!isPorts) await dropSnapshot(snapshot, run).catch(() => undefined);
    return undefined;
  }
}
