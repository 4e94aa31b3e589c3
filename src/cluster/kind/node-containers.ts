import { execa } from 'execa';

import type { ContainerRuntime } from '../../runtime/index.js';
import { ownerFile, ownerMount } from './kind-config.js';

/** One container of a cluster: a node, or the load balancer before several control planes. */
export interface NodeContainer {
  id: string;
  name: string;
  /** `running`, `exited`, … */
  state: string;
  createdAt: string;
  /** Path of its owner's mark on the host; undefined where jest-kubernetes did not make it. */
  mark: string | undefined;
  volumes: readonly string[];
  /** The host's port by the container's, such as `6443/tcp`. */
  ports: Readonly<Record<string, number>>;
}

interface Inspected {
  Id: string;
  Name: string;
  Created: string;
  State: { Status: string };
  HostConfig: { Binds?: string[] | null };
  Mounts?: { Type: string; Name?: string; Source: string; Destination: string }[];
  NetworkSettings: { Ports?: Record<string, { HostPort: string }[] | null> };
}

export type RunCli = (
  args: readonly string[],
  options?: {
    signal?: AbortSignal;
    timeout?: number;
    /** In a session of its own, which the terminal's signals do not reach. Default: false. */
    detached?: boolean;
  },
) => Promise<string>;

/** The engine's own command: its standard output, or what execa throws. */
export function runtimeCli(runtime: ContainerRuntime, env: NodeJS.ProcessEnv): RunCli {
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
  const options = { timeout: answerLimit, ...(signal === undefined ? {} : { signal }) };
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

function nodeContainer(container: Inspected): NodeContainer {
  const mounts = container.Mounts ?? [];
  // the bind as it was asked for, first: Docker Desktop's Mounts have the paths of its virtual machine
  const bind = container.HostConfig.Binds?.find((text) => text.includes(`:${ownerMount}`));
  const ports = Object.entries(container.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
    bindings?.[0] === undefined ? [] : [[port, Number(bindings[0].HostPort)] as const],
  );
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    state: container.State.Status,
    createdAt: container.Created,
    mark:
      bind?.split(`:${ownerMount}`)[0] ??
      mounts.find(({ Destination }) => Destination === ownerMount)?.Source,
    volumes: mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])),
    ports: Object.fromEntries(ports),
  };
}

/** Whether that cluster folder's owner made it. */
export function isOurs(container: NodeContainer, directory: string): boolean {
  return container.mark === ownerFile(directory);
}

/** The container that the API server is reached through: the first control plane, or the balancer before several. */
export function apiContainer(containers: readonly NodeContainer[], name: string): NodeContainer | undefined {
  return (
    containers.find((container) => container.name === `${name}-external-load-balancer`) ??
    firstControlPlane(containers, name)
  );
}

export function firstControlPlane(
  containers: readonly NodeContainer[],
  name: string,
): NodeContainer | undefined {
  return containers.find((container) => container.name === `${name}-control-plane`);
}

/** The machines among a cluster's containers. */
export function machines(containers: readonly NodeContainer[]): NodeContainer[] {
  return containers.filter(({ name }) => !name.endsWith('-external-load-balancer'));
}
