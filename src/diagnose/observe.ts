import type { ClusterAccess } from '../kubernetes/index.js';
import { downloadsIn, type Engine, inspectContainers } from './engine.js';
import { observeHost } from './host.js';
import { mayPull, nothing, observeCluster } from './observe-cluster.js';
import type { Scope } from './scope.js';
import type { Snapshot } from './snapshot.js';

export interface ObserveOptions {
  /** Without it, only the host and the engine are looked at. */
  access?: ClusterAccess | undefined;
  /** Whose pods, claims and events count. Default: everybody's. */
  scope?: Scope | undefined;
  /** With it, the nodes' containers are looked at too. */
  engine?: Engine | undefined;
  /** What a node downloads, at the cost of a command in each. Default: true. */
  downloads?: boolean;
  /** The host's ports that the run wants. */
  ports?: readonly number[];
  /** For each question, in milliseconds. Default: 5000. */
  timeout?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Looks at what belongs to a scope, at its nodes, and at the host, each part
 * bounded in time. An API server that does not answer is itself something
 * seen. Rejects only when the signal is aborted.
 */
export async function observe(options: ObserveOptions): Promise<Snapshot> {
  const { access, signal, engine, ports = [], downloads: wanted = true } = options;
  const unseen: string[] = [];
  const [cluster, host] = await Promise.all([
    access ? observeCluster(access, options, unseen) : nothing,
    observeHost(ports, signal, engine?.runtime.dataRoot),
  ]);
  const silent = cluster.api?.answers === false;
  const containers = engine && (silent || !access) ? await inspectContainers(engine, signal) : [];
  const downloads = engine && wanted && cluster.pods.some(mayPull) ? await downloadsIn(engine, signal) : [];
  signal?.throwIfAborted();
  return { takenAt: Date.now() + cluster.clockAheadMs, ...cluster, containers, downloads, host, unseen };
}
