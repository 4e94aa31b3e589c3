import { execa } from 'execa';

import type { ClusterConfig } from '../../config/index.js';
import { openApi } from '../../kubernetes/index.js';
import { type Progress, silent } from '../../report/index.js';
import { type ContainerRuntime, recordOf } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { Json } from '../leases/index.js';
import type { ClusterProvider, JoinedCluster } from '../provider.js';
import { accessIn } from './access.js';
import { knownNodes, probing } from './conditions.js';
import { createKindCluster } from './create.js';
import { findKind } from './find-kind.js';
import type { HostPort } from './kind-config.js';
import { clusterContainers, firstControlPlane, isOurs, reachedAt, runtimeCli } from './node-containers.js';

export interface KindProviderOptions {
  cluster: ClusterConfig;
  /** Absolute path of the cluster's own state folder; it is made if need be. */
  directory: string;
  /** Detected at the first call. */
  runtime: () => Promise<ContainerRuntime>;
  /** Ports to publish: on 127.0.0.1, or where an engine of another machine is reached. */
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
    made: async () => {
      const { name: engine, id } = await runtime();
      return {
        provider: 'kind',
        'container engine': id === undefined ? engine : `${engine} ${id}`,
        'cluster.image': cluster.image ?? "the kind release's own",
        'cluster.nodes': cluster.nodes,
        'cluster.config': (cluster.config ?? null) as Json,
      };
    },
    runtime,
    prepare: () => Promise.resolve(),
    removal: async () => ({ provider: 'kind', name, runtime: recordOf(await runtime()) }),
    create: (steps) => createKindCluster({ ...options, access }, steps),
    join,
    published: async (containerPort, signal) => {
      const engine = await runtime();
      const containers = await clusterContainers(runtimeCli(engine, env), name, signal);
      const found = firstControlPlane(containers)?.ports[`${containerPort}/tcp`];
      return found === undefined ? undefined : reachedAt(found, engine);
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

  async function join(signal: AbortSignal, progress: Progress = silent): Promise<JoinedCluster> {
    const answer = async (): Promise<JoinedCluster> => {
      using server = openApi(access, probing);
      return { access, nodes: await knownNodes(server, signal) };
    };
    const deadline = Date.now() + joinLimit;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await answer();
      } catch (error) {
        signal.throwIfAborted();
        const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
        // only now is it worth asking the engine, which takes longer than a server that answers
        const found = attempt > 0 || (!absent && (await revive(signal, progress)));
        if (absent || !found || Date.now() > deadline) throw await unreachable(error);
        progress.waitingFor(`the cluster ${name} to answer again`);
        await pause(200, signal);
      }
    }
  }

  /** Starts the node containers that stand still, as after the engine's own restart. @returns whether there are any */
  async function revive(signal: AbortSignal, progress: Progress): Promise<boolean> {
    const run = runtimeCli(await runtime(), env);
    const containers = (await clusterContainers(run, name, signal)).filter((each) => isOurs(each, directory));
    for (const [state, command] of [
      ['exited', 'start'],
      ['paused', 'unpause'],
    ] as const) {
      const still = containers.filter((each) => each.state === state);
      if (still.length === 0) continue;
      progress.note(`starting the cluster ${name} again: ${still.map((each) => each.name).join(', ')}`);
      await run([command, ...still.map(({ id }) => id)], { signal });
    }
    return containers.length > 0;
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

/** How long a cluster whose containers are there may be silent, in milliseconds; after a restart it takes 10 to 30 s. */
const joinLimit = 90_000;
