import {
  clusterFolder,
  existingProvider,
  kindProvider,
  runFolder,
  type ClusterCreation,
  type ClusterNode,
  type ClusterProvider,
  type ClusterState,
  type Json,
  type KindProvider,
  type WantedCluster,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import { pullImage } from '../images/index.js';
import { silent, type Progress } from '../report/index.js';
import { detectRuntime, type ContainerRuntime } from '../runtime/index.js';
import { postgresNodePort, serverSignature } from '../postgres/index.js';

export interface Joined {
  access: ClusterAccess;
  nodes: readonly ClusterNode[];
}

/** Where a run's cluster comes from: what the rest of a run needs to know of its provider. */
export interface ClusterSource {
  /** What a reader is told of it. */
  readonly words: ClusterWords;
  /** What cannot be added to the cluster later. */
  readonly made: WantedCluster['made'];
  /** The container engine; detected at the first call. */
  runtime(): Promise<ContainerRuntime>;
  /** What must be there before the lease is taken. */
  prepare(signal: AbortSignal): Promise<void>;
  removal(): Promise<WantedCluster['removal']>;
  create(options: { signal: AbortSignal; progress: Progress }): Promise<ClusterCreation>;
  join(state: ClusterState | undefined, signal: AbortSignal): Promise<Joined>;
  /** The host's port behind a node's; undefined where it is not published. */
  hostPort(containerPort: number, signal: AbortSignal): Promise<number | undefined>;
  /** What the provider itself can tell of its nodes, into a folder; undefined where that is nothing. */
  readonly exportLogs: ((folder: string, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface ClusterWords {
  /** Of the run that is the first to come. */
  begins: string;
  /** The phase that has it at its end. */
  phase: string;
  /** What is worth knowing of it then. */
  reached(access: ClusterAccess): string | undefined;
}

export function clusterSource(config: Config, runId: string, env: NodeJS.ProcessEnv): ClusterSource {
  return config.cluster.provider === 'kind' ? kindSource(config, env) : existingSource(config, runId, env);
}

/** One server for all that share the cluster. */
function madeOfPostgres({ postgres }: Config): Readonly<Record<string, Json>> {
  return postgres === undefined ? {} : { postgres: serverSignature(postgres) };
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function runtimeOf(config: Config, env: NodeJS.ProcessEnv): () => Promise<ContainerRuntime> {
  return lazily(() =>
    detectRuntime({ env, ...(config.runtime === undefined ? {} : { preferred: config.runtime }) }),
  );
}

function kindSource(config: Config, env: NodeJS.ProcessEnv): ClusterSource {
  const { cluster, timeouts, mirrors, postgres, stateDir } = config;
  const runtime = runtimeOf(config, env);
  const hostPorts = [{ containerPort: postgresNodePort, hostPort: postgres?.hostPort ?? 0 }];
  const directory = clusterFolder(stateDir, cluster.name);
  const provider = lazily(async (): Promise<KindProvider> => {
    const engine = await runtime();
    return kindProvider({
      ...{ cluster, directory, runtime: engine, hostPorts, env },
      watchPull: (reference, options) =>
        pullImage(reference, { ...options, runtime: engine, mirrors, limits: timeouts.pull }),
    });
  });
  return {
    words: {
      begins: `creates the cluster ${cluster.name}`,
      phase: `create cluster ${cluster.name}`,
      reached: () => cluster.image,
    },
    made: {
      provider: 'kind',
      'cluster.image': cluster.image ?? "the kind release's own",
      'cluster.nodes': cluster.nodes,
      'cluster.config': (cluster.config ?? null) as Json,
      ...madeOfPostgres(config),
    },
    runtime,
    prepare: () => Promise.resolve(),
    removal: async () => {
      const { name, command, env: reach } = await runtime();
      return { provider: 'kind', name: cluster.name, runtime: { name, command, env: reach }, with: {} };
    },
    create: async (options) => (await provider()).create({ ...options, limits: timeouts.cluster }),
    join: async (_, signal) =>
      (await provider()).join({ signal, progress: silent, limits: timeouts.cluster }),
    hostPort: async (containerPort, signal) => (await provider()).nodeHostPort(containerPort, signal),
    exportLogs: async (folder, signal) => (await provider()).exportLogs(folder, signal),
  };
}

function existingSource(config: Config, runId: string, env: NodeJS.ProcessEnv): ClusterSource {
  const { cluster, stateDir, timeouts } = config;
  const directory = runFolder(stateDir, runId);
  const provider: ClusterProvider = existingProvider({ cluster, directory, env });
  return {
    words: {
      begins: `sets up ${cluster.name} in the existing cluster`,
      phase: 'reach the existing cluster',
      reached: ({ context }) => `context ${context}`,
    },
    made: { provider: 'existing', ...madeOfPostgres(config) },
    runtime: runtimeOf(config, env),
    // the runs that share it meet in it
    prepare: async (signal) => {
      await provider.join({ signal, progress: silent, limits: timeouts.cluster });
    },
    removal: () => Promise.resolve({ provider: 'existing', name: cluster.name, runtime: null, with: {} }),
    create: (options) => Promise.resolve(provider.create({ ...options, limits: timeouts.cluster })),
    join: (_, signal) => provider.join({ signal, progress: silent, limits: timeouts.cluster }),
    hostPort: () => Promise.resolve(undefined),
    exportLogs: undefined,
  };
}
