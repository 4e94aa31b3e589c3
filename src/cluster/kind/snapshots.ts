import { statfs } from 'node:fs/promises';

import { type Progress, silent } from '../../report/index.js';
import type { KnownEngine } from '../../runtime/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError } from '../../support/errors.js';
import type { CreateOptions } from '../provider.js';
import { accessIn } from './access.js';
import { createKindCluster } from './create.js';
import { deleteContainers } from './delete-containers.js';
import { findKind } from './find-kind.js';
import { kindConfig } from './kind-config.js';
import type { KindProviderOptions } from './kind-provider.js';
import { clusterContainers, firstControlPlane, isOurs, type RunCli, runtimeCli } from './node-containers.js';
import {
  captureSnapshot,
  contentOf,
  dropSnapshot,
  findSnapshot,
  hasPlace,
  isOriginal,
  listSnapshots as listBy,
  pruneSnapshots as pruneBy,
  type Snapshot,
  type SnapshotContent,
  snapshotKey,
  tagSnapshot,
  withoutSnapshot,
} from './snapshot/index.js';

/** The snapshot that a cluster asks for, whether it is there or not. */
export interface AskedSnapshot {
  key: string;
  content: SnapshotContent;
}

/**
 * Which snapshot a cluster could start from.
 * @returns a reason, in words, where it is none
 */
export async function askedSnapshot(
  { cluster, images = [], database, runtime, env = process.env, cacheDir }: KindProviderOptions,
  { signal, progress }: CreateOptions,
): Promise<AskedSnapshot | string> {
  const engine = await runtime();
  const reason = withoutSnapshot({ cluster, engine });
  if (reason !== undefined) return reason;
  const { version } = await findKind({ env, signal, progress, cacheDir });
  const content = await contentOf(
    { cluster, images, database, engine },
    version,
    runtimeCli(engine, env),
    signal,
  );
  if (content === undefined) return 'an image of it is not in the engine yet';
  return { key: snapshotKey(content), content };
}

/** The snapshot that a cluster starts from, where there is one. */
export async function snapshotFor(
  options: KindProviderOptions,
  steps: CreateOptions,
): Promise<Snapshot | undefined> {
  const asked = await askedSnapshot(options, steps);
  return typeof asked === 'string' ? undefined : snapshotOfKey(asked.key, options, steps.signal);
}

/** All snapshots of an engine, those not proven too; the one used last first. */
export const listSnapshots = (engine: KnownEngine, env: NodeJS.ProcessEnv): Promise<Snapshot[]> =>
  listBy(runtimeCli(engine, env));

/** Takes away those that are too old, too many, or were never finished. @returns their names */
export const pruneSnapshots = (engine: KnownEngine, env: NodeJS.ProcessEnv): Promise<string[]> =>
  pruneBy(runtimeCli(engine, env));

/** How long an engine may take to write an image, in milliseconds: two gigabytes, on a busy machine. */
const writingLimit = 180_000;

/**
 * Deletes a cluster, and what was not finished when the making of a snapshot of it ended: an engine makes an image to the end,
 * whoever asked for it has gone, and the node stands still for as long. Of others there is no more than the deletion.
 */
export async function withUnfinished(
  cluster: string,
  { engine, env }: { engine: KnownEngine; env: NodeJS.ProcessEnv },
  deletion: () => Promise<void>,
): Promise<void> {
  if (!isOriginal(cluster)) return deletion();
  const run = runtimeCli(engine, env);
  const deadline = performance.now() + writingLimit;
  const isWriting = async (): Promise<boolean> =>
    // an engine that does not answer fails the deletion itself
    (await clusterContainers(run, cluster).catch(() => [])).some(({ state }) => state === 'paused');
  while ((await isWriting()) && performance.now() < deadline) await pause(200);
  await deletion();
  const unfinished = (await listBy(run)).filter(
    ({ hostname, isProven }) => !isProven && hostname.startsWith(cluster),
  );
  for (const snapshot of unfinished) await dropSnapshot(snapshot, run);
}

/**
 * Whether there is room for one that nobody has asked for: on the engine's disk, as far as it is seen from here, and among
 * those that are kept.
 */
export async function mayMakeSnapshot(
  { runtime, env = process.env }: KindProviderOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const engine = await runtime();
  if (!hasPlace(await listBy(runtimeCli(engine, env), signal), Date.now())) return false;
  const { dataRoot } = engine;
  const disk = dataRoot === undefined ? undefined : await statfs(dataRoot).catch(() => undefined);
  return disk === undefined || disk.bavail * disk.bsize >= roomForOneUnasked;
}

/** In bytes; the node itself looks again, for what it needs. */
const roomForOneUnasked = 20e9;

export async function snapshotOfKey(
  key: string,
  { runtime, env = process.env }: KindProviderOptions,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  return findSnapshot(key, runtimeCli(await runtime(), env), signal);
}

/**
 * Makes a snapshot of a cluster that has been set up, which is gone then; starts another one from it, and gives it its name
 * when that is ready and has the images.
 * @throws JestKubernetesError SNAPSHOT_FAILED; nothing is left of it
 */
export async function makeSnapshotOf(
  { content, key }: AskedSnapshot,
  options: KindProviderOptions,
  steps: CreateOptions,
): Promise<{ size: number }> {
  const { cluster, directory, env = process.env } = options;
  const access = accessIn(directory, cluster.name);
  const { signal, progress } = steps;
  const engine = await options.runtime();
  const run = runtimeCli(engine, env);
  const containers = await clusterContainers(run, cluster.name, signal);
  const node = firstControlPlane(containers.filter((each) => isOurs(each, directory)));
  if (node === undefined) throw new Error(`the cluster ${cluster.name} has no node`);
  const config = kindConfig(cluster, { directory });
  const removeIt = (shown: Progress): Promise<void> =>
    deleteContainers({ name: cluster.name, directory, runtime: engine, env, progress: shown });
  const snapshot = await captureSnapshot({ access, node, content, config, run, signal, progress });
  try {
    await removeIt(progress);
    progress.moved('starting a cluster from it');
    await createKindCluster({ ...options, access, from: snapshot }, steps).ready;
    await seeImages(Object.keys(content.images), node.name, run, signal);
    await removeIt(progress);
    await tagSnapshot({ id: snapshot.id, key }, run, signal);
    await pruneBy(run);
    return {
      size: Number(await run(['image', 'inspect', '--format', '{{.Size}}', snapshot.id], { signal })),
    };
  } catch (error) {
    await removeIt(silent).catch(() => undefined);
    await dropSnapshot(snapshot, run).catch(() => undefined);
    throw error;
  }
}

/** @throws JestKubernetesError SNAPSHOT_FAILED where a kubelet would not find an image there, and go to a registry for it */
async function seeImages(
  references: readonly string[],
  node: string,
  run: RunCli,
  signal: AbortSignal,
): Promise<void> {
  const labelled = 'labels."io.cri-containerd.image"==managed';
  const list = await run(['exec', node, 'ctr', '-n', 'k8s.io', 'images', 'ls', '-q', labelled], { signal });
  const names = list.split('\n');
  const lacking = references.filter((reference) => !names.some((name) => isNamed(name, reference)));
  if (lacking.length === 0) return;
  throw new JestKubernetesError('SNAPSHOT_FAILED', 'A clone of the snapshot does not have its images', {
    evidence: lacking,
  });
}

/** `docker.io/library/postgres:17-alpine` is `postgres:17-alpine`, and `docker.io/library/busybox:latest` is `busybox`. */
export function isNamed(name: string, reference: string): boolean {
  const plain = reference.replace(/@.*$/, '');
  const tagged = /:[^/]+$/.test(plain) ? plain : `${plain}:latest`;
  return [reference, tagged].some((each) => name === each || name.endsWith(`/${each}`));
}
