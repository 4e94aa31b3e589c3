import { readFileSync } from 'node:fs';

import {
  inotifyForNodes,
  makeRoomOnDisk,
  moreMemory,
  nodeMemory,
  raiseInotify,
} from '../../cluster/index.js';
import type { Config } from '../../config/index.js';
import { observeHost } from '../../diagnose/index.js';
import { formatBytes } from '../../report/index.js';
import { isHere } from '../../runtime/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { type Examine, type Finding, ok, type Patient, problem, warning } from './finding.js';

/** Free bytes of the disk: below the first a run fails, below the second it may. A node and its images take some 3 GB. */
const room = { problem: 2e9, warning: 8e9 };
/** Fewer make Kubernetes slow to boot. */
const processors = 2;
/** What a kernel allows by itself, which is enough for one node. */
const inotifyForOne = { max_user_watches: 8192, max_user_instances: 128 };

export const engine: Examine = async (patient) => {
  const found = await patient.engine.catch(async (error: unknown) => {
    if (needsEngine(await patient.settings) || !(error instanceof JestKubernetesError)) throw error;
    return ok(`none, and none is needed for this configuration (${error.message})`);
  });
  if ('status' in found) return found;
  const { name, version, platform, host, env } = found;
  const address = env['DOCKER_HOST'] ?? env['CONTAINER_HOST'];
  const where = address === undefined ? '' : ` at ${address}`;
  return ok(`${name} ${version} (${platform})${where}${isHere({ host }) ? '' : ', on another machine'}`);
};

/** A cluster that is there already needs none, but for the images that are brought into it. */
const needsEngine = ({ cluster, images }: Config): boolean =>
  cluster.provider === 'kind' ||
  images.some((image) => image.kind === 'build' || (image.kind === 'pull' && image.push !== undefined));

/** A check that asks the engine: where there is none, the first one has said so. */
const ofEngine =
  (
    examine: (
      patient: Patient,
      engine: Awaited<Patient['engine']>,
    ) => Finding | undefined | Promise<Finding | undefined>,
  ): Examine =>
  async (patient) => {
    const found = await patient.engine.catch(() => undefined);
    return found === undefined ? undefined : examine(patient, found);
  };

export const memory = ofEngine(async ({ settings }, { memoryBytes, host }) => {
  const nodes = nodesOf(await settings);
  const wanted = nodes * nodeMemory;
  const free = isHere({ host }) ? Math.min(process.availableMemory(), memoryBytes) : undefined;
  const seen = `${formatBytes(memoryBytes)}${free === undefined ? '' : `, ${formatBytes(free)} of it free`}`;
  const forNodes = nodes === 1 ? 'a node needs' : `${nodes} nodes need`;
  return (free ?? memoryBytes) >= wanted
    ? ok(seen)
    : warning(`${seen}; ${forNodes} some ${formatBytes(wanted)}`, moreMemory);
});

export const cpus = ofEngine((_, { cpus: count }) =>
  count >= processors
    ? ok(String(count))
    : warning(`${count}: Kubernetes boots slowly`, `Give the engine ${processors} or more.`),
);

export const disk = ofEngine(async ({ signal }, { host, dataRoot }) => {
  if (!isHere({ host })) return undefined;
  const { disk: found } = await observeHost([], signal, dataRoot);
  if (found === undefined) return undefined;
  const { path, freeBytes } = found;
  // of an engine in a virtual machine the path is not here: its disk is a file on this one
  const seen = `${formatBytes(freeBytes)} free at ${path}`;
  if (freeBytes < room.problem) return problem(seen, makeRoomOnDisk);
  return freeBytes < room.warning ? warning(`${seen}: little for images`, makeRoomOnDisk) : ok(seen);
});

export const cgroup = ofEngine((_, { cgroupVersion }) => {
  if (cgroupVersion === undefined) return undefined;
  return cgroupVersion === 2
    ? ok('v2')
    : warning(
        'v1: kubelets are told to bear it (failCgroupV1), for as long as they can',
        'Boot the machine with cgroup v2.',
      );
});

export const inotify = ofEngine(async ({ settings }, { host }) => {
  const names = Object.keys(inotifyForOne) as (keyof typeof inotifyForOne)[];
  const limits = names.map((name) => ({ name, limit: limitOf(name) }));
  if (!isHere({ host }) || limits.some(({ limit }) => limit === undefined)) return undefined;
  const wanted = nodesOf(await settings) === 1 ? inotifyForOne : inotifyForNodes;
  const seen = limits.map(({ name, limit }) => `${name} ${limit ?? ''}`).join(', ');
  const low = limits.filter(({ name, limit = 0 }) => limit < wanted[name]);
  return low.length === 0 ? ok(seen) : warning(`${seen}: low for as many nodes`, { command: raiseInotify });
});

/** Linux alone has them. */
function limitOf(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Those that the configuration itself names: any other is whatever is free. */
export const ports = ofEngine(async ({ settings, signal }, { host }) => {
  const { hostPort = 0 } = (await settings).postgres ?? {};
  if (hostPort === 0 || !isHere({ host })) return undefined;
  const [owner] = (await observeHost([hostPort], signal)).ports;
  if (owner === undefined) return ok(`${hostPort} is free`);
  const who = owner.command ?? (owner.pid === undefined ? 'another user’s process' : `pid ${owner.pid}`);
  // it may be this very cluster, kept, or another run's
  return warning(
    `${hostPort} is taken: ${who} listens there`,
    'Stop it, or leave postgres.hostPort out: any free one is taken then.',
  );
});

function nodesOf({ cluster }: Config): number {
  const { nodes = cluster.nodes } = cluster.config ?? {};
  return Array.isArray(nodes) ? nodes.length : 1;
}
