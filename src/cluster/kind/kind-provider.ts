import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';
import { stringify } from 'yaml';

import type { ClusterConfig } from '../../config/config.js';
import { ApiError, openApi, podsAreAdmitted, type Api } from '../../kubernetes/index.js';
import { silent, type Progress } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { firstLine } from '../../support/lines.js';
import type { ClusterCreation, ClusterNode, ClusterProvider, CreateOptions } from '../provider.js';
import { accessIn, writeKubeconfig } from './access.js';
import { forgetCreator, startCreator, type Creator } from './creator.js';
import { deleteCluster } from './delete-cluster.js';
import { findKind } from './find-kind.js';
import { kindConfig, ownerFile, type HostPort } from './kind-config.js';
import { kindFailure } from './kind-failures.js';
import {
  apiContainer,
  clusterContainers,
  firstControlPlane,
  isOurs,
  machines,
  runtimeCli,
  type NodeContainer,
} from './node-containers.js';

export interface KindProviderOptions {
  cluster: ClusterConfig;
  /** Absolute path of the cluster's own state folder; it is made if need be. */
  directory: string;
  runtime: ContainerRuntime;
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

export interface KindProvider extends ClusterProvider {
  /** The port of 127.0.0.1 that a port of the first control-plane node is published at; undefined where it is not. */
  nodeHostPort(containerPort: number, signal?: AbortSignal): Promise<number | undefined>;
  /** Writes what kind can tell of the nodes (`kind export logs`) into a folder. */
  exportLogs(folder: string, signal: AbortSignal): Promise<void>;
}

/** A cluster of containers on this machine, made by kind's command. */
export function kindProvider(options: KindProviderOptions): KindProvider {
  const { cluster, directory, runtime, hostPorts = [], env = process.env } = options;
  const { name } = cluster;
  const run = runtimeCli(runtime, env);
  const access = accessIn(directory, name);

  async function deleteIt({ signal, progress }: { signal?: AbortSignal; progress: Progress }): Promise<void> {
    await deleteCluster({ name, directory, engine: runtime.name, run, signal, progress });
  }

  /** Everything up to the moment at which kind runs. */
  async function start(
    signal: AbortSignal,
    progress: Progress,
    onLine: (line: string) => void,
  ): Promise<Creator> {
    progress.waitingFor('kind');
    const [kind] = await Promise.all([
      findKind({
        env,
        signal,
        progress,
        ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
      }),
      prepare(signal, progress),
    ]);
    signal.throwIfAborted();
    const args = [
      ...['create', 'cluster', '--name', name, '--retain'],
      ...['--kubeconfig', path.join(directory, 'kind.kubeconfig')],
      ...['--config', path.join(directory, 'kind.yaml')],
      ...(cluster.image === undefined ? [] : ['--image', cluster.image]),
    ];
    const kubeconfig = { KUBECONFIG: path.join(directory, 'kind.kubeconfig') };
    return startCreator(directory, kind.command, args, { ...env, ...runtime.env, ...kubeconfig }, onLine);
  }

  async function prepare(signal: AbortSignal, progress: Progress): Promise<void> {
    const there = await clusterContainers(run, name, signal);
    const foreign = there.filter((container) => !isOurs(container, directory));
    if (foreign.length > 0) throw nameTaken(name, foreign, runtime.name);
    if (there.length > 0) {
      progress.note(`deleting what is left of an earlier cluster ${name}`);
      await deleteIt({ signal, progress });
    }
    await mkdir(directory, { recursive: true });
    await writeFile(ownerFile(directory), `${JSON.stringify({ madeBy: 'jest-kubernetes', directory })}\n`);
    await writeFile(path.join(directory, 'kind.yaml'), stringify(kindConfig(cluster, directory, hostPorts)));
  }

  function create({ signal, progress }: CreateOptions): ClusterCreation {
    const failed = new AbortController();
    const bound = AbortSignal.any([signal, failed.signal]);
    const output: string[] = [];

    const started = start(bound, progress, (line) => {
      output.push(line);
      const step = /^\s*[•✓✗]?\s*(.*?)[^\p{L}\p{N})]*$/u.exec(line)?.[1];
      if (step) progress.moved(step);
      const image = /Ensuring node image \(([^)]+)\)/.exec(line)?.[1];
      if (image !== undefined && !line.includes('✓')) {
        options.watchPull?.(image, { signal: bound, progress }).catch(() => undefined);
      }
    });

    const finished = started.then(async (creator) => {
      const kill = () => {
        creator.kill();
      };
      bound.addEventListener('abort', kill);
      if (bound.aborted) kill();
      const ending = await creator.ended;
      bound.removeEventListener('abort', kill);
      bound.throwIfAborted();
      forgetCreator(directory);
      await rm(path.join(directory, 'kind.kubeconfig'), { force: true });
      if (ending !== undefined) throw kindFailure(name, ending, output);
    });

    const running = started.then(() => containersRunning(bound, progress));
    const nodes = running.then(async (containers) => {
      await Promise.all(machines(containers).map((machine) => containerdAnswers(machine, bound)));
      progress.moved('containerd answers');
      return machines(containers).map((machine) => ({ name: machine.name }));
    });
    const api = running.then(async (containers) => {
      await writeAccess(containers, bound);
      progress.moved('the kubeconfig is there');
      using server = openApi(access, probing);
      await until('the API server to answer', apiAnswers, server, bound, progress);
      return access;
    });
    const ready = api.then(async () => {
      using server = openApi(access, probing);
      await Promise.all([
        finished,
        until('a node to be Ready', nodeIsReady, server, bound, progress),
        until('the default ServiceAccount', podsAreTaken, server, bound, progress),
      ]);
      return access;
    });

    // whatever fails first is the cause of all that follows
    for (const part of [finished, nodes, api, ready]) {
      part.catch((error: unknown) => {
        failed.abort(error);
      });
    }
    const orCause = <T>(milestone: Promise<T>): Promise<T> => {
      const result = milestone.catch(() => {
        signal.throwIfAborted();
        throw failed.signal.reason;
      });
      result.catch(() => undefined);
      return result;
    };
    return { nodes: orCause(nodes), api: orCause(api), ready: orCause(ready) };
  }

  async function containersRunning(signal: AbortSignal, progress: Progress): Promise<NodeContainer[]> {
    const expected = kindConfig(cluster, directory).nodes.length;
    progress.waitingFor('kind to start the node containers');
    for (;;) {
      const containers = (await clusterContainers(run, name, signal)).filter(
        ({ state }) => state === 'running',
      );
      if (machines(containers).length >= expected) return containers;
      await sleep(250, undefined, { signal });
    }
  }

  /** One command that waits inside the node, instead of many that ask from outside. */
  async function inNode(node: string, script: string, signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        return await run(['exec', node, 'sh', '-c', script], { signal });
      } catch {
        // it is just being started; should it have ended, kind says why
        signal.throwIfAborted();
        await sleep(250, undefined, { signal });
      }
    }
  }

  async function containerdAnswers(node: ClusterNode, signal: AbortSignal): Promise<void> {
    const socket = '/run/containerd/containerd.sock';
    const answers = `[ -S ${socket} ] && ctr -n k8s.io version >/dev/null 2>&1`;
    await inNode(node.name, `until ${answers}; do sleep 0.1; done`, signal);
  }

  async function writeAccess(containers: readonly NodeContainer[], signal: AbortSignal): Promise<void> {
    const controlPlane = firstControlPlane(containers, name)?.name ?? `${name}-control-plane`;
    // kubeadm writes it early; its key comes last
    const file = '/etc/kubernetes/admin.conf';
    const script = `until grep -q 'client-key-data: .*=*$' ${file} 2>/dev/null; do sleep 0.1; done; sleep 0.1; cat ${file}`;
    const adminConf = await inNode(controlPlane, script, signal);
    // with several control planes the balancer, and with it the port, may come later than the nodes
    for (let known = containers; ; known = await clusterContainers(run, name, signal)) {
      const port = apiContainer(known, name)?.ports['6443/tcp'];
      if (port !== undefined) return writeKubeconfig(access, adminConf, port);
      await sleep(250, undefined, { signal });
    }
  }

  async function join({ signal, limits }: CreateOptions): ReturnType<ClusterProvider['join']> {
    const deadline = Date.now() + Math.min(joinLimit, limits.stall);
    for (;;) {
      try {
        using server = openApi(access, probing);
        const { items } = await server.request<{ items: { metadata: { name: string } }[] }>('/api/v1/nodes', {
          signal,
        });
        // kind's nodes have their containers' names
        return { access, nodes: items.map(({ metadata }) => ({ name: metadata.name })) };
      } catch (error) {
        signal.throwIfAborted();
        const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (absent || Date.now() > deadline) throw await unreachable(error);
        await sleep(100, undefined, { signal });
      }
    }
  }

  async function unreachable(error: unknown): Promise<JestKubernetesError> {
    const containers = await clusterContainers(run, name).catch(() => []);
    return new JestKubernetesError('CLUSTER_UNREACHABLE', `The cluster ${name} does not answer`, {
      evidence: [
        `${access.kubeconfig}: ${messageOf(error)}`,
        ...(containers.length === 0
          ? [`${runtime.name} has no container of it`]
          : containers.map((container) => `container ${container.name}: ${container.state}`)),
      ],
      remedy: `Delete it (jest-kubernetes down), and the next run makes it anew.`,
      cause: error,
    });
  }

  async function nodeHostPort(containerPort: number, signal?: AbortSignal): Promise<number | undefined> {
    const containers = await clusterContainers(run, name, signal);
    return firstControlPlane(containers, name)?.ports[`${containerPort}/tcp`];
  }

  async function exportLogs(folder: string, signal: AbortSignal): Promise<void> {
    const { cacheDir } = options;
    const found = { env, signal, progress: silent, ...(cacheDir === undefined ? {} : { cacheDir }) };
    const { command } = await findKind(found);
    await execa(command, ['export', 'logs', folder, '--name', name], {
      env: { ...env, ...runtime.env },
      extendEnv: false,
      stdin: 'ignore',
      cancelSignal: signal,
    });
  }

  return { name: 'kind', create, join, delete: deleteIt, nodeHostPort, exportLogs };
}

/** How long a cluster that is said to be there may be silent, in milliseconds. */
const joinLimit = 5000;

/** Whoever asks until it is so asks again itself. How long one question may go without an answer: in milliseconds. */
const probing = { retry: false, limit: 5000 };

/** What a published port says, in turns, behind which nothing listens yet. */
const refusals = /ECONNREFUSED|ECONNRESET|socket disconnected|socket hang up/;

/** Undefined once it is so; until then what was seen. */
type Condition = (server: Api, signal: AbortSignal) => Promise<string | undefined>;

/** Asks until it is so. What was not seen before is progress; an answer that comes and goes is none. */
async function until(
  what: string,
  condition: Condition,
  server: Api,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const known = new Set<string>();
  for (;;) {
    const seen = await condition(server, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return refusals.test(messageOf(error)) ? 'no connection yet' : firstLine(messageOf(error));
    });
    if (seen === undefined) return;
    progress.waitingFor(`${what} (${seen})`);
    if (!known.has(seen)) progress.moved(`waiting for ${what}`);
    known.add(seen);
    await sleep(200, undefined, { signal });
  }
}

const apiAnswers: Condition = async (server, signal) => {
  try {
    await server.text('/readyz', { signal });
    // Kubernetes 1.29 and newer give admin.conf its rights a moment after the server answers
    await server.request('/api/v1/namespaces/default', { signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return /^\[-\].*$/m.exec(error.message)?.[0] ?? `status ${error.status}`;
  }
};

const nodeIsReady: Condition = async (server, signal) => {
  interface Node {
    status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
  }
  const { items } = await server.request<{ items: Node[] }>('/api/v1/nodes', { signal });
  const conditions = items.map((node) => node.status.conditions?.find(({ type }) => type === 'Ready'));
  if (conditions.some((condition) => condition?.status === 'True')) return undefined;
  const unready = conditions.find((condition) => condition !== undefined);
  return unready === undefined
    ? 'no node is registered'
    : firstLine(unready.message ?? unready.reason ?? 'NotReady');
};

const podsAreTaken: Condition = async (server, signal) =>
  (await podsAreAdmitted(server, 'default', signal)) ? undefined : 'not there yet';

function nameTaken(name: string, containers: readonly NodeContainer[], engine: string): JestKubernetesError {
  const owners = containers.map(
    (container) =>
      `container ${container.name}, ${container.state}, created ${container.createdAt}, ` +
      (container.mark === undefined
        ? 'not made by jest-kubernetes'
        : `made by jest-kubernetes for ${path.dirname(container.mark)}`),
  );
  return new JestKubernetesError(
    'CLUSTER_NAME_TAKEN',
    `The name ${name} belongs to another cluster, which stays untouched`,
    {
      evidence: owners,
      remedy: `Choose another cluster.name (JEST_KUBERNETES_NAME), or delete that cluster if nobody needs it: ${
        engine === 'docker' ? '' : `KIND_EXPERIMENTAL_PROVIDER=${engine} `
      }kind delete cluster --name ${name}`,
    },
  );
}
