import { createHash } from 'node:crypto';

import type { ClusterConfig } from '../../../config/index.js';
import { type ContainerRuntime, isHere } from '../../../runtime/index.js';
import { kindConfig, ownerMount } from '../kind-config.js';
import type { RunCli } from '../node-containers.js';

/** Counts up with whatever changes in what this package puts into a snapshot. */
export const format = 5;

/** All that decides what is inside of a snapshot. */
export interface SnapshotContent {
  format: number;
  /** Id of the node image; of one that kind chooses, its word. */
  nodeImage: string;
  /** kind's version. */
  kind: string;
  /** kind's configuration, without what belongs to one container: its ports, its owner. */
  config: unknown;
  /** Ids of the images that it holds unpacked, by reference. */
  images: Readonly<Record<string, string>>;
  /** Whose files one of them has made in it. */
  database?: DatabaseServer | undefined;
  engine: ContainerRuntime['name'];
  platform: string;
  cgroupVersion: number | null;
}

/** A server as its first start makes it. */
export interface DatabaseServer {
  /** A reference. */
  image: string;
  /** Its superuser. */
  user: string;
}

export interface WantedSnapshot {
  cluster: Pick<ClusterConfig, 'config' | 'image' | 'nodes'>;
  /** References of the images that are brought into every node. */
  images: readonly string[];
  database?: DatabaseServer | undefined;
  engine: ContainerRuntime;
}

/** Sixteen hexadecimal digits: another one for whatever differs. */
export function snapshotKey(content: SnapshotContent): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(content)))
    .digest('hex')
    .slice(0, 16);
}

/** With every object's keys in one order, so that it is written in one way. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** Why a cluster boots the ordinary way, whatever snapshots there are; undefined where it can start from one. */
export function withoutSnapshot({
  cluster,
  engine,
}: Pick<WantedSnapshot, 'cluster' | 'engine'>): string | undefined {
  const { nodes, ...config } = configOf({ cluster, engine });
  const { ipFamily = 'ipv4', disableDefaultCNI = false } = config['networking'] as Record<string, unknown>;
  if (engine.name !== 'docker') return `the engine is ${engine.name}: snapshots are made with Docker`;
  if (!isHere(engine)) return 'the engine is on another machine';
  if (nodes.length !== 1) return `the cluster has ${nodes.length} nodes: a snapshot is of one`;
  if (ipFamily !== 'ipv4') return `the cluster’s ipFamily is ${String(ipFamily)}`;
  if (disableDefaultCNI !== false) return 'the cluster has no network of kind’s own';
  return undefined;
}

/** What would be inside; undefined where an image is not in the engine, so that it is not known. */
export async function contentOf(
  { cluster, images, database, engine }: WantedSnapshot,
  kind: string,
  run: RunCli,
  signal?: AbortSignal,
): Promise<SnapshotContent | undefined> {
  const config = configOf({ cluster, engine });
  const named = cluster.image ?? (config.nodes[0]?.['image'] as string | undefined);
  const references = [...(named === undefined ? [] : [named]), ...images];
  const ids = await imageIds(references, run, signal);
  if (ids === undefined) return undefined;
  const { platform, cgroupVersion = null } = engine;
  return {
    format,
    nodeImage: named === undefined ? 'the kind release’s own' : (ids[named] ?? ''),
    kind,
    config,
    images: Object.fromEntries(images.map((reference) => [reference, ids[reference] ?? ''])),
    database: images.includes(database?.image ?? '') ? database : undefined,
    engine: engine.name,
    platform,
    cgroupVersion,
  };
}

/** What the clusters are called that snapshots are made of. */
const originalPrefix = 'jk-snapshot-';

/** Whether a cluster is one that a snapshot is made of. */
export const isOriginal = (name: string): boolean => name.startsWith(originalPrefix);

/** The cluster that a snapshot is made of: like those that start from it, with nothing of theirs alone. */
export function clusterToCapture(cluster: ClusterConfig, key: string): ClusterConfig {
  const config = structuredClone(cluster.config ?? undefined) as
    { nodes?: Node[]; networking?: Node } | undefined;
  for (const node of config?.nodes ?? []) delete node['extraPortMappings'];
  if (config?.networking !== undefined) delete config.networking['apiServerPort'];
  return { ...cluster, name: `${originalPrefix}${key.slice(0, 8)}`, config, snapshot: false };
}

async function imageIds(
  references: readonly string[],
  run: RunCli,
  signal: AbortSignal | undefined,
): Promise<Record<string, string> | undefined> {
  if (references.length === 0) return {};
  try {
    const text = await run(['image', 'inspect', '--format', '{{.Id}}', ...references], { signal });
    const ids = text.split('\n');
    return Object.fromEntries(references.map((reference, index) => [reference, ids[index] ?? '']));
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

type Node = Record<string, unknown>;

function configOf({
  cluster,
  engine: { cgroupVersion, host },
}: Pick<WantedSnapshot, 'cluster' | 'engine'>): Record<string, unknown> & { nodes: Node[] } {
  const config = kindConfig(cluster, { directory: '', cgroupVersion, host });
  const networking = { ...(config['networking'] as object), apiServerPort: undefined };
  const isOwners = (mount: object): boolean => 'containerPath' in mount && mount.containerPath === ownerMount;
  const nodes = config.nodes.map((node) => ({
    ...node,
    extraPortMappings: undefined,
    extraMounts: (node.extraMounts ?? []).filter((mount) => !isOwners(mount)),
  }));
  return { ...config, networking, nodes };
}
