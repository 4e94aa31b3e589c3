import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { stringify } from 'yaml';

import { type ClusterAccess, contextOf, openApi, readKubeconfig } from '../../kubernetes/index.js';
import type { Progress } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import type { ClusterCreation, ClusterNode, CreateOptions } from '../provider.js';
import { writeKubeconfig } from './access.js';
import { apiAnswers, apiIsReady, nodesAreReady, podsAreTaken, probing, until } from './conditions.js';
import { type Creator, forgetCreator, startCreator } from './creator.js';
import { deleteContainers } from './delete-containers.js';
import { findKind } from './find-kind.js';
import { kindConfig, ownerFile, refuseUnreachable } from './kind-config.js';
import { cloneFailure, kindFailure } from './kind-failures.js';
import type { KindProviderOptions } from './kind-provider.js';
import { makeRoom, placeHere } from './name-taken.js';
import {
  apiContainer,
  clusterContainers,
  firstControlPlane,
  isOurs,
  machines,
  type NodeContainer,
  reachedAt,
  type RunCli,
  runtimeCli,
} from './node-containers.js';
import { cloneArgs, introduceClone, type Snapshot } from './snapshot/index.js';

/** A creation that is under way: what its steps share. */
interface Creating extends KindProviderOptions {
  env: NodeJS.ProcessEnv;
  access: ClusterAccess;
  from?: Snapshot | undefined;
  engine: ContainerRuntime;
  run: RunCli;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Starts kind, or a node from a snapshot, and watches from outside how far it comes; does not wait for it.
 * @param options.from - the snapshot that it is to be started from. Default: none
 */
export function createKindCluster(
  options: KindProviderOptions & { access: ClusterAccess; from?: Snapshot | undefined },
  { signal, progress }: CreateOptions,
): ClusterCreation {
  const { env = process.env, directory, access, cluster } = options;
  const failed = new AbortController();
  const bound = AbortSignal.any([signal, failed.signal]);
  const output: string[] = [];

  const creating = options.runtime().then((engine): Creating => {
    const run = runtimeCli(engine, env);
    return { ...options, env, engine, run, access, progress, signal: bound };
  });
  const started = creating.then((step) =>
    start(step, (line) => {
      output.push(line);
      tellStep(line, step);
    }),
  );
  const finished = started.then(async (creator) => {
    const kill = (): void => {
      creator.kill();
    };
    bound.addEventListener('abort', kill);
    if (bound.aborted) kill();
    const ending = await creator.ended;
    bound.removeEventListener('abort', kill);
    bound.throwIfAborted();
    forgetCreator(directory);
    await rm(path.join(directory, 'kind.kubeconfig'), { force: true });
    if (ending === undefined) return;
    throw options.from === undefined
      ? kindFailure(cluster.name, ending, output)
      : cloneFailure(cluster.name, ending, output);
  });

  const running = Promise.all([creating, started]).then(([step]) => containersRunning(step));
  const nodes = Promise.all([creating, running]).then(async ([step, containers]) => {
    const { from } = options;
    const images = from === undefined ? [] : Object.keys(from.content.images);
    const all = machines(containers).map((machine) => ({ ...machine, images }));
    await Promise.all(all.map((machine) => containerdAnswers(machine, step)));
    progress.moved('containerd answers');
    return all;
  });
  const api = Promise.all([creating, running]).then(async ([step, containers]) => {
    await writeAccess(containers, step);
    progress.moved('the kubeconfig is there');
    using server = openApi(access, probing);
    const waits = 'the API server';
    // of one from a snapshot all that this sets up is there
    if (step.from === undefined) await until(waits, apiIsReady, server, bound, progress);
    await until(waits, apiAnswers, server, bound, progress);
    progress.moved('the API server answers');
    return access;
  });
  const introduced = Promise.all([creating, running, api]).then(([step, containers]) =>
    step.from === undefined ? undefined : introduce(step, containers),
  );
  const ready = Promise.all([running, introduced]).then(async ([containers]) => {
    using server = openApi(access, probing);
    const areReady = nodesAreReady(machines(containers));
    await Promise.all([
      finished,
      until('a ready API server', apiIsReady, server, bound, progress),
      until('Ready nodes', areReady, server, bound, progress),
      until('the ServiceAccount', podsAreTaken, server, bound, progress),
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

/** Everything up to the moment at which kind runs. */
async function start(step: Creating, onLine: (line: string) => void): Promise<Creator> {
  const { cluster, directory, env, engine, from, progress, signal, cacheDir } = step;
  if (from !== undefined) return startClone(from, step, onLine);
  progress.waitingFor('kind');
  const [kind] = await Promise.all([findKind({ env, signal, progress, cacheDir }), prepareFolder(step)]);
  signal.throwIfAborted();
  const kubeconfig = path.join(directory, 'kind.kubeconfig');
  const args = [
    ...['create', 'cluster', '--name', cluster.name, '--retain'],
    ...['--kubeconfig', kubeconfig],
    ...['--config', path.join(directory, 'kind.yaml')],
    ...(cluster.image === undefined ? [] : ['--image', cluster.image]),
  ];
  return startCreator(
    directory,
    kind.command,
    args,
    { ...env, ...engine.env, KUBECONFIG: kubeconfig },
    onLine,
  );
}

/** As kind's own command does it: by one `docker run`, which a shell leads so that it is let come to its end. */
async function startClone(
  snapshot: Snapshot,
  step: Creating,
  onLine: (line: string) => void,
): Promise<Creator> {
  const { cluster, directory, env, engine, progress, signal } = step;
  const { hostname, args, id: image } = snapshot;
  const config = await prepareFolder(step);
  const all = await cloneArgs({ name: cluster.name, hostname, args, config, image });
  signal.throwIfAborted();
  progress.moved('starting the node');
  const shell = ['-c', '"$@"; exit $?', 'sh', engine.command, ...all];
  return startCreator(directory, '/bin/sh', shell, { ...env, ...engine.env }, onLine);
}

async function introduce(
  { access, cluster, engine, signal }: Creating,
  containers: readonly NodeContainer[],
): Promise<void> {
  const [machine] = machines(containers);
  const found = contextOf(readKubeconfig(access.kubeconfig), access.context);
  const authority = found?.cluster['certificate-authority-data'];
  if (machine === undefined || authority === undefined) throw new Error('the clone has no CA of its own');
  const { name: container, hostname } = machine;
  using server = openApi(access, probing);
  const certificate = Buffer.from(authority, 'base64').toString('utf8');
  await introduceClone(
    server,
    { name: cluster.name, container, hostname, engine: engine.name, certificate },
    signal,
  );
}

async function prepareFolder(step: Creating): Promise<ReturnType<typeof kindConfig>> {
  const { cluster, directory, engine, env, hostPorts, progress, run, signal } = step;
  const { name } = cluster;
  refuseUnreachable(cluster, engine);
  const there = await clusterContainers(run, name, signal);
  const foreign = there.filter((container) => !isOurs(container, directory));
  if (foreign.length > 0) await makeRoom({ name, containers: foreign, run, engine, env, progress, signal });
  if (there.length > foreign.length) {
    progress.note(`deleting what is left of an earlier cluster ${name}`);
    await deleteContainers({ name, directory, runtime: engine, env, signal, progress });
  }
  await mkdir(directory, { recursive: true });
  const owner = { madeBy: 'jest-kubernetes', directory, place: placeHere() };
  await writeFile(ownerFile(directory), `${JSON.stringify(owner)}\n`);
  const { cgroupVersion, host } = engine;
  const config = kindConfig(cluster, { directory, hostPorts, cgroupVersion, host });
  await writeFile(path.join(directory, 'kind.yaml'), stringify(config));
  return config;
}

/**
 * The steps that kind prints are its progress; whatever else it says, such as what to do with the cluster, is none. It
 * pulls the node image without a word.
 */
function tellStep(line: string, { progress, signal, watchPull }: Creating): void {
  const step = /^\s*[•✓✗]\s*(.*?)[^\p{L}\p{N})]*$/u.exec(line)?.[1];
  if (step) progress.moved(step);
  const image = /Ensuring node image \(([^)]+)\)/.exec(line)?.[1];
  if (image !== undefined && !line.includes('✓')) {
    watchPull?.(image, { signal, progress }).catch(() => undefined);
  }
}

async function containersRunning(step: Creating): Promise<NodeContainer[]> {
  const { cluster, directory, run, signal, progress } = step;
  const expected = kindConfig(cluster, { directory }).nodes.length;
  progress.waitingFor('kind to start the node containers');
  for (;;) {
    const containers = await clusterContainers(run, cluster.name, signal);
    const running = containers.filter(({ state }) => state === 'running');
    if (machines(running).length < expected) {
      await pause(250, signal);
      continue;
    }
    if (step.lowPriority === true) await run([...update, ...running.map(({ id }) => id)], { signal });
    return running;
  }
}

/** A sixteenth of what a container has by default. */
const update = ['update', '--cpu-shares', '64'];

/** One command that waits inside the node, instead of many that ask from outside. */
async function inNode(node: string, script: string, { run, signal }: Creating): Promise<string> {
  for (;;) {
    try {
      return await run(['exec', node, 'sh', '-c', script], { signal });
    } catch {
      // it is just being started; should it have ended, kind says why
      signal.throwIfAborted();
      await pause(250, signal);
    }
  }
}

async function containerdAnswers(node: ClusterNode, step: Creating): Promise<void> {
  const socket = '/run/containerd/containerd.sock';
  const answers = `[ -S ${socket} ] && ctr -n k8s.io version >/dev/null 2>&1`;
  await inNode(node.name, `until ${answers}; do sleep 0.1; done`, step);
}

async function writeAccess(containers: readonly NodeContainer[], step: Creating): Promise<void> {
  const { cluster, access, engine, run, signal } = step;
  const controlPlane = firstControlPlane(containers)?.name ?? `${cluster.name}-control-plane`;
  // kubeadm writes it early; its key comes last
  const file = '/etc/kubernetes/admin.conf';
  const script = `until grep -q 'client-key-data: .*=*$' ${file} 2>/dev/null; do sleep 0.1; done; sleep 0.1; cat ${file}`;
  const adminConf = await inNode(controlPlane, script, step);
  // with several control planes the balancer, and with it the port, may come later than the nodes
  for (let known = containers; ; known = await clusterContainers(run, cluster.name, signal)) {
    const published = apiContainer(known)?.ports['6443/tcp'];
    if (published !== undefined) return writeKubeconfig(access, adminConf, reachedAt(published, engine));
    await pause(250, signal);
  }
}
