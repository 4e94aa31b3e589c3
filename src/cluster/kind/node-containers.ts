import { execa } from 'execa';

import type { NodeRole } from '../../config/index.js';
import type { ContainerRuntime, KnownEngine } from '../../runtime/index.js';
import type { ClusterNode, HostAndPort } from '../provider.js';
import { ownerFiles, ownerMount } from './kind-config.js';

/** One container of a cluster: a node, or the load balancer before several control planes. */
export interface NodeContainer {
  id: string;
  name: string;
  hostname: string;
  /** What kind's label says that it is; undefined where it says nothing that is known here. */
  role: NodeRole | 'external-load-balancer' | undefined;
  /** `running`, `exited`, … */
  state: string;
  createdAt: string;
  /** Path of its owner's mark on the host; undefined where jest-kubernetes did not make it. */
  mark: string | undefined;
  volumes: readonly string[];
  /** Where each of its ports is published, by its own name, such as `6443/tcp`. */
  ports: Readonly<Record<string, PublishedPort>>;
}

/** A port of the engine's machine. */
interface PublishedPort {
  /** The address it is bound to; empty where that is all of them. */
  address: string;
  port: number;
}

const roleLabel = 'io.x-k8s.kind.role';
const roles = ['control-plane', 'worker', 'external-load-balancer'] as const;

interface Inspected {
  Id: string;
  Name: string;
  Created: string;
  State: { Status: string };
  Config: { Hostname?: string; Labels?: Readonly<Record<string, string>> | null };
  /** nerdctl tells it since 2.1. */
  HostConfig?: { Binds?: string[] | null };
  Mounts?: { Type: string; Name?: string; Source: string; Destination: string }[];
  NetworkSettings: { Ports?: Record<string, { HostIp?: string; HostPort: string }[] | null> };
}

export type RunCli = (
  args: readonly string[],
  options?: {
    signal?: AbortSignal | undefined;
    timeout?: number;
    /** In a session of its own, which the terminal's signals do not reach. Default: false. */
    detached?: boolean;
  },
) => Promise<string>;

/** The engine's own command: its standard output, or what execa throws. */
export function runtimeCli(runtime: Pick<KnownEngine, 'command' | 'env'>, env: NodeJS.ProcessEnv): RunCli {
  return async (args, { signal, timeout, detached = false } = {}) => {
    const { stdout } = await execa(runtime.command, args, {
      env: { ...env, ...runtime.env },
      extendEnv: false,
      stdin: 'ignore',
      detached,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
      ...(timeout === undefined ? {} : { timeout }),
    });
    return stdout;
  };
}

/** The label that kind puts on every container of a cluster. */
export function clusterLabel(name: string): string {
  return `label=io.x-k8s.kind.cluster=${name}`;
}

/** How long the engine may take for one answer while nothing is created, in milliseconds. */
const answerLimit = 60_000;

/** Every container of that cluster, whoever made it. */
export async function clusterContainers(
  run: RunCli,
  name: string,
  signal?: AbortSignal,
): Promise<NodeContainer[]> {
  const options = { timeout: answerLimit, signal };
  const ids = (await run(['ps', '-aq', '--no-trunc', '--filter', clusterLabel(name)], options))
    .split('\n')
    .filter(Boolean);
  if (ids.length === 0) return [];
  try {
    const inspected = JSON.parse(
      await run(['inspect', '--type', 'container', ...ids], options),
    ) as Inspected[];
    return inspected.map(nodeContainer);
  } catch (error) {
    // one that went between the two commands: those that are left are asked anew
    signal?.throwIfAborted();
    if (/no such (container|object)/i.test(String(error))) return clusterContainers(run, name, signal);
    throw error;
  }
}

/** The names of the containers that are a cluster’s nodes; none where the engine does not answer. */
export async function nodesContainers(
  name: string,
  runtime: ContainerRuntime,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string[]> {
  const found = await clusterContainers(runtimeCli(runtime, env), name, signal).catch(() => []);
  signal.throwIfAborted();
  return found.filter(({ role }) => role !== 'external-load-balancer').map((each) => each.name);
}

function nodeContainer(container: Inspected): NodeContainer {
  const mounts = container.Mounts ?? [];
  // the bind as it was asked for, first: Docker Desktop's Mounts have the paths of its virtual machine
  const bind = container.HostConfig?.Binds?.find((text) => text.includes(`:${ownerMount}`));
  const ports = Object.entries(container.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
    bindings?.[0] === undefined ? [] : [[port, publishedBy(bindings[0])] as const],
  );
  const name = container.Name.replace(/^\//, '');
  return {
    id: container.Id,
    name,
    // Podman and nerdctl may not tell it
    hostname: container.Config.Hostname || name,
    role: roles.find((role) => role === container.Config.Labels?.[roleLabel]),
    state: container.State.Status,
    createdAt: container.Created,
    mark:
      bind?.split(`:${ownerMount}`)[0] ??
      mounts.find(({ Destination }) => Destination === ownerMount)?.Source,
    volumes: mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])),
    ports: Object.fromEntries(ports),
  };
}

const everyAddress = ['', '0.0.0.0', '::'];

function publishedBy({ HostIp = '', HostPort }: { HostIp?: string; HostPort: string }): PublishedPort {
  return { address: everyAddress.includes(HostIp) ? '' : HostIp, port: Number(HostPort) };
}

/** Where it is reached: at the address that it is bound to, or, bound to all of them, at the engine's host. */
export function reachedAt(
  { address, port }: PublishedPort,
  engine: Pick<ContainerRuntime, 'host'>,
): HostAndPort {
  return { host: address === '' ? engine.host : address, port };
}

/** Whether that cluster folder's owner made it. */
export function isOurs(container: NodeContainer, directory: string): boolean {
  return container.mark !== undefined && ownerFiles(directory).includes(container.mark);
}

/** The container that the API server is reached through: the balancer before several control planes, or the only one. */
export function apiContainer(containers: readonly NodeContainer[]): NodeContainer | undefined {
  const several = containers.filter(({ role }) => role === 'control-plane').length > 1;
  return several
    ? containers.find(({ role }) => role === 'external-load-balancer')
    : firstControlPlane(containers);
}

/** The control plane that kubeadm begins with, which publishes the host ports; kind numbers those that follow it. */
export function firstControlPlane(containers: readonly NodeContainer[]): NodeContainer | undefined {
  const [first] = machines(containers);
  return containers.find(({ name }) => name === first?.name);
}

/** The machines among a cluster's containers, the first control plane first. */
export function machines(containers: readonly NodeContainer[]): ClusterNode[] {
  return inOrder(
    containers.flatMap(({ name, hostname, role }) =>
      role === 'control-plane' || role === 'worker' ? [{ name, hostname, role }] : [],
    ),
  );
}

/** Control planes first, each kind as kind numbers it: `shop-control-plane`, `shop-control-plane2`, `shop-worker`. */
export function inOrder(nodes: readonly ClusterNode[]): ClusterNode[] {
  return [...nodes].sort(
    (one, other) =>
      one.role.localeCompare(other.role) || one.name.localeCompare(other.name, 'en', { numeric: true }),
  );
}

/** How long the engine may take to measure memory, in milliseconds: it looks twice, a second apart. */
const measuring = 5000;

/** The memory that a cluster's containers take, in the engine's words: `612.4MiB`, or several. */
export async function memoryInUse(
  name: string,
  engine: KnownEngine,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const run = runtimeCli(engine, env);
  const containers = await clusterContainers(run, name);
  const ids = containers.map(({ id }) => id);
  const text = await run(['stats', '--no-stream', '--format', '{{.MemUsage}}', ...ids], {
    timeout: measuring,
  });
  return text
    .split('\n')
    .map((line) => line.replace(/ ?\/.*/, ''))
    .join(' + ');
}
