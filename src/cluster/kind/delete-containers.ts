import { rm } from 'node:fs/promises';
import path from 'node:path';

import type { Progress } from '../../report/index.js';
import type { KnownEngine } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { firstLines } from '../../support/lines.js';
import { confirmEngine } from './confirm-engine.js';
import { endCreator, forgetCreator } from './creator.js';
import { ownerFiles } from './kind-config.js';
import {
  clusterContainers,
  clusterLabel,
  type NodeContainer,
  type RunCli,
  runtimeCli,
} from './node-containers.js';

export interface DeleteContainersOptions {
  name: string;
  directory: string;
  /** What its containers carry. Default: the folder's own mark. */
  mark?: string;
  runtime: KnownEngine;
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  progress: Progress;
}

/**
 * An engine may finish a `docker run` whose client was killed, by somebody else than us. How long its container is
 * waited for, in ms: until a first one was seen (more than two seconds were seen on a busy machine), and after one,
 * for those of other nodes.
 */
const lateness = { first: 8000, others: 2000 };
const tries = 3;
/** How long one removal may take, another process's too, in milliseconds. */
const removalLimit = 120_000;

/**
 * Deletes a cluster as far as it came, from any process: ends its creator, removes the containers that carry this
 * folder's mark and their volumes, and looks whether they are gone. Says when nothing is left to be done. An engine that
 * has none of it proves nothing unless it is the one that the cluster was made on: it is asked who it is first.
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED
 */
export async function deleteContainers(options: DeleteContainersOptions): Promise<void> {
  const { name, directory, runtime, env = process.env, signal, progress } = options;
  const marks = options.mark === undefined ? ownerFiles(directory) : [options.mark];
  const cli = runtimeCli(runtime, env);
  // what Ctrl-C sends to everything in the foreground must not end what cleans up after it
  const run: RunCli = (args, more) => cli(args, { ...more, detached: true });
  await confirmEngine(options, run);
  let left: string[] = [];
  try {
    progress.waitingFor(`the end of what creates ${name}`);
    const quiet = (await endCreator(directory, name, signal)) ? lateness : { first: 0, others: 0 };
    let failures = 0;
    let awaited = quiet.first;
    const deadline = Date.now() + removalLimit;
    for (let since = Date.now(); ;) {
      try {
        const ours = (await clusterContainers(run, name, signal)).filter(
          ({ mark }) => mark !== undefined && marks.includes(mark),
        );
        left = ours.map((container) => container.name);
        if (ours.length === 0) {
          if (Date.now() - since >= awaited) break;
          progress.waitingFor(`containers of ${name} that may still come`);
          await pause(200, signal);
          continue;
        }
        progress.waitingFor(`the deletion of ${left.join(', ')}`);
        if (runtime.cgroupVersion === 1) await calm(ours, run, signal);
        await remove(ours, run, signal);
        awaited = quiet.others;
        progress.moved(`deleted ${left.join(', ')}`);
      } catch (error) {
        signal?.throwIfAborted();
        const byAnother =
          Date.now() < deadline && /already in progress|no such container/i.test(messageOf(error));
        if (!byAnother && ++failures === tries) throw error;
        await pause(500, signal);
      }
      since = Date.now();
    }
    left = [];
    forgetCreator(directory);
    const files = ['kubeconfig', 'kind.kubeconfig', 'kind.kubeconfig.lock', 'kind.yaml'];
    for (const file of files) await rm(path.join(directory, file), { force: true });
    for (const mark of marks) await rm(mark, { recursive: true, force: true });
  } catch (error) {
    signal?.throwIfAborted();
    throw deleteFailed(options, left, error);
  }
}

/**
 * runc freezes a container's cgroup for a moment while it makes one. Of a node that is killed in that moment, cgroup v1
 * lets what is frozen live on, and the engine cannot remove it: nothing new is begun first, and what was is let come
 * to its end.
 */
const calmScript = `
pkill -STOP -x kubelet; pkill -STOP -x containerd
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do pgrep -x runc >/dev/null || exit 0; sleep 0.1; done
`;

async function calm(
  containers: readonly NodeContainer[],
  run: RunCli,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { timeout: 10_000, signal };
  const running = containers.filter(({ state }) => state === 'running');
  // one that is just being started, or ends meanwhile, is removed as it is
  await Promise.allSettled(running.map(({ id }) => run(['exec', id, 'sh', '-c', calmScript], options)));
  signal?.throwIfAborted();
}

async function remove(
  containers: readonly { id: string; volumes: readonly string[] }[],
  run: RunCli,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { timeout: removalLimit, signal };
  await run(['rm', '-f', '-v', ...containers.map(({ id }) => id)], options);
  // -v takes anonymous volumes alone, and Podman's kind gives them names
  const volumes = new Set(containers.flatMap((container) => container.volumes));
  if (volumes.size === 0) return;
  const left = (await run(['volume', 'ls', '-q'], options))
    .split('\n')
    .filter((volume) => volumes.has(volume));
  if (left.length > 0) await run(['volume', 'rm', '-f', ...left], options);
}

function deleteFailed(
  { name, runtime }: DeleteContainersOptions,
  left: readonly string[],
  cause: unknown,
): JestKubernetesError {
  const containers =
    left.length > 0 ? left.join(' ') : `$(${runtime.name} ps -aq --filter ${clusterLabel(name)})`;
  return new JestKubernetesError('CLUSTER_DELETE_FAILED', `The cluster ${name} could not be deleted`, {
    evidence: [...(left.length > 0 ? [`left: ${left.join(', ')}`] : []), ...firstLines(messageOf(cause), 4)],
    remedy: `Delete it by hand: ${runtime.name} rm -f -v ${containers}`,
    cause,
  });
}
