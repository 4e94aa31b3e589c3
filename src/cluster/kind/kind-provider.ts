import { execa } from 'execa';

import type { ClusterConfig } from '../../config/index.js';
import { openApi } from '../../kubernetes/index.js';
import { type Progress, silent } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { Json } from '../leases/index.js';
import type { ClusterProvider, JoinedCluster } from '../provider.js';
import { accessIn } from './access.js';
import { knownNodes, probing } from './conditions.js';
import { createKindCluster } from './create.js';
import { findKind } from './find-kind.js';
import type { HostPort } from './kind-config.js';
import { clusterContainers, firstControlPlane, runtimeCli } from './node-containers.js';

export interface KindProviderOptions {
  cluster: ClusterConfig;
  /** Absolute path of the cluster's own state folder; it is made if need be. */
  directory: string;
  /** Detected at the first call. */
  runtime: () => Promise<ContainerRuntime>;
  /** Ports to publish on 127.0.0.1. */
  hostPorts?: readonly HostPort[];
  env?: NodeJS.ProcessEnv;
  /** Where kind is downloaded to; default: the user's cache folder. */
  cacheDir?: string;
  /**
   * Called with the node image's reference when kind begins to see to it. Kind pulls without a word: a pull of the
   * same image beside it shares the transfer, and can tell how far it is. How it ends is of no account.
   */
  watchPull?: (reference: string, options: { signal: AbortSignal; progress: Progress }) => Promise<unknown>;
}

/** A cluster of containers on this machine, made by kind's command. */
export function kindProvider(options: KindProviderOptions): ClusterProvider {
  const { cluster, directory, runtime, env = process.env } = options;
  const { name } = cluster;
  const access = accessIn(directory, name);

  return {
    name: 'kind',
    words: {
      begins: `creates the cluster ${name}`,
      phase: `create cluster ${name}`,
      reached: () => cluster.image,
      keeps: `keeps the cluster ${name}: the next run joins it`,
      usage: [
        `use it:     export KUBECONFIG=${access.kubeconfig}`,
        `delete it:  npx jest-kubernetes down ${name}`,
      ],
    },
    stays: false,
    replaceable: true,
    made: {
      provider: 'kind',
      'cluster.image': cluster.image ?? "the kind release's own",
      'cluster.nodes': cluster.nodes,
      'cluster.config': (cluster.config ?? null) as Json,
    },
    runtime,
    prepare: () => Promise.resolve(),
    removal: async () => {
      const { name: engine, command, env: reach, cgroupVersion } = await runtime();
      return { provider: 'kind', name, runtime: { name: engine, command, env: reach, cgroupVersion } };
    },
    create: (steps) => createKindCluster({ ...options, access }, steps),
    join,
    hostPort: async (containerPort, signal) => {
      const containers = await clusterContainers(runtimeCli(await runtime(), env), name, signal);
      return firstControlPlane(containers)?.ports[`${containerPort}/tcp`];
    },
    exportLogs: async (folder, signal) => {
      const { cacheDir } = options;
      const found = { env, signal, progress: silent, cacheDir };
      const { command } = await findKind(found);
      await execa(command, ['export', 'logs', folder, '--name', name], {
        env: { ...env, ...(await runtime()).env },
        extendEnv: false,
        stdin: 'ignore',
        cancelSignal: signal,
      });
    },
  };

  async function join(signal: AbortSignal): Promise<JoinedCluster> {
    const deadline = Date.now() + joinLimit;
    for (;;) {
      try {
        using server = openApi(access, probing);
        return { access, nodes: await knownNodes(server, signal) };
      } catch (error) {
        signal.throwIfAborted();
        const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (absent || Date.now() > deadline) throw await unreachable(error);
        await pause(100, signal);
      }
    }
  }

  async function unreachable(error: unknown): Promise<JestKubernetesError> {
    const engine = await runtime();
    const containers = await clusterContainers(runtimeCli(engine, env), name).catch(() => []);
    return new JestKubernetesError('CLUSTER_UNREACHABLE', `The cluster ${name} does not answer`, {
      evidence: [
        `${access.kubeconfig}: ${messageOf(error)}`,
        ...(containers.length === 0
          ? [`${engine.name} has no container of it`]
          : containers.map((container) => `container ${container.name}: ${container.state}`)),
      ],
      remedy: `Delete it (jest-kubernetes down), and the next run makes it anew.`,
      cause: error,
    });
  }
}

/** How long a cluster that is said to be there may be silent, in milliseconds. */
const joinLimit = 5000;
