import { execa } from 'execa';

import type { ClusterConfig } from '../../config/index.js';
import { openApi } from '../../kubernetes/index.js';
import { type Progress, silent } from '../../report/index.js';
import { type ContainerRuntime, recordOf } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { firstLines } from '../../support/lines.js';
import { quoted } from '../../support/shell.js';
import type { Json } from '../leases/index.js';
import type { ClusterProvider, JoinedCluster } from '../provider.js';
import { accessIn } from './access.js';
import { knownNodes, probing } from './conditions.js';
import { findKind } from './find-kind.js';
import type { HostPort } from './kind-config.js';
import { leadTo } from './lead-to.js';
import { clusterContainers, firstControlPlane, isOurs, reachedAt, runtimeCli } from './node-containers.js';
import type { DatabaseServer } from './snapshot/index.js';
import { startCluster } from './start-cluster.js';

export interface KindProviderOptions {
  cluster: ClusterConfig;
  /** Absolute path of the cluster's own state folder; it is made if need be. */
  directory: string;
  /** Detected at the first call. */
  runtime: () => Promise<ContainerRuntime>;
  /** Ports to publish: on 127.0.0.1, or where an engine of another machine is reached. */
  hostPorts?: readonly HostPort[];
  /** References of images that are brought into every node: a snapshot has them. Default: none. */
  images?: readonly string[];
  /** The database server whose files a snapshot has, where its image is among them. Default: none. */
  database?: DatabaseServer | undefined;
  /** Whether its containers get only what others leave of the processors. Default: false. */
  lowPriority?: boolean;
  env?: NodeJS.ProcessEnv;
  /**
   * How long a cluster whose containers are there may be silent, in milliseconds. Default: 90 s, as after a restart it
   * takes 10 to 30.
   */
  patience?: number;
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
  const { cluster, directory, runtime, env = process.env, patience = 90_000 } = options;
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
        `use it:     export KUBECONFIG=${quoted(access.kubeconfig)}`,
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
    create: (steps) => startCluster({ ...options, access }, steps),
    join,
    rest: async (state, signal) => {
      const run = runtimeCli(await runtime(), env);
      const [from, command] = state === 'paused' ? ['running', 'pause'] : ['paused', 'unpause'];
      const containers = await clusterContainers(run, name, signal);
      const told = containers.filter((each) => isOurs(each, directory) && each.state === from);
      if (told.length > 0) await run([command, ...told.map(({ id }) => id)], { signal });
    },
    published: async (containerPort, signal) => {
      const engine = await runtime();
      const containers = await clusterContainers(runtimeCli(engine, env), name, signal);
      const found = firstControlPlane(containers)?.ports[`${containerPort}/tcp`];
      return found === undefined ? undefined : reachedAt(found, engine);
    },
    leadTo: async (nodes, address, signal) =>
      leadTo(
        runtimeCli(await runtime(), env),
        nodes.map((node) => node.name),
        address,
        signal,
      ),
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
      return { access, nodes: await knownNodes(server, name, signal) };
    };
    const deadline = performance.now() + patience;
    const look = looking(signal, progress);
    let nextLook = 0;
    for (;;) {
      try {
        return await answer();
      } catch (error) {
        signal.throwIfAborted();
        const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
        // only now is it worth asking the engine, which takes longer than a server that answers
        const due = !absent && performance.now() >= nextLook;
        const mayAnswer = !absent && (!due || (await look()));
        if (due) nextLook = performance.now() + lookEvery;
        if (!mayAnswer || performance.now() > deadline) throw await unreachable(error);
        await pause(200, signal);
      }
    }
  }

  /**
   * Looks, whenever it is called, whether a cluster that does not answer may do so yet. Containers that stand still, as
   * after the engine's own restart, are started, once: those that end again do not come to anything.
   */
  function looking(signal: AbortSignal, progress: Progress): () => Promise<boolean> {
    let started = false;
    let told = false;
    return async () => {
      const run = runtimeCli(await runtime(), env);
      const found = await clusterContainers(run, name, signal).catch(() => undefined);
      signal.throwIfAborted();
      if (found === undefined) return true; // the engine itself does not answer, which is told in the end
      const containers = found.filter((each) => isOurs(each, directory));
      const still = containers.filter(({ state }) => state in startedBy);
      if (containers.length === 0 || (still.length > 0 && started)) return false;
      if (still.length > 0) {
        progress.note(`starting the cluster ${name} again: ${still.map((each) => each.name).join(', ')}`);
        started = true;
      }
      try {
        for (const { id, state } of still) await run([startedBy[state] ?? '', id], { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw await unreachable(error);
      }
      if (!told) progress.note(`waiting for the cluster ${name} to answer: its containers run`);
      told = true;
      return true;
    };
  }

  async function unreachable(error: unknown): Promise<JestKubernetesError> {
    const engine = await runtime();
    const containers = await clusterContainers(runtimeCli(engine, env), name).catch(
      (reason: unknown) => new Error(messageOf(reason)),
    );
    const evidence = linesOf(error).map((line) => `${access.kubeconfig}: ${line}`);
    if (containers instanceof Error) {
      // whether the cluster is there is not known: it stays
      return new JestKubernetesError('RUNTIME_NOT_ANSWERING', `${engine.name} does not answer`, {
        evidence: [...linesOf(containers), ...evidence],
        cause: error,
      });
    }
    return new JestKubernetesError('CLUSTER_UNREACHABLE', `The cluster ${name} does not answer`, {
      evidence: [
        ...evidence,
        ...(containers.length === 0
          ? [`${engine.name} has no container of it`]
          : containers.map((container) => `container ${container.name}: ${container.state}`)),
      ],
      remedy: `Delete it (jest-kubernetes down), and the next run makes it anew.`,
      cause: error,
    });
  }
}

/** Of an engine's command that failed, the first line is the command itself. */
const linesOf = (error: unknown): string[] => firstLines(messageOf(error), 3);

/** The engine's command for a container that stands still, by its state. */
const startedBy: Readonly<Record<string, string>> = { exited: 'start', paused: 'unpause' };

/** How often the engine is asked meanwhile, in milliseconds. */
const lookEvery = 2000;
