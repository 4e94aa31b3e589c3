import { existsSync } from 'node:fs';
import path from 'node:path';

import { stringify } from 'yaml';

import type { ClusterConfig, NodeConfig, Taint } from '../../config/index.js';
import { type ContainerRuntime, isHere } from '../../runtime/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { stateDirectory } from '../../support/state-directory.js';

/** A port of the first control-plane node, to be published. */
export interface HostPort {
  containerPort: number;
  /** 0 is any free one. */
  hostPort: number;
}

/** Where a node's container carries the mark of its owner: `docker inspect` tells by it who made the container. */
export const ownerMount = '/etc/jest-kubernetes/owner';

/**
 * The mark's file in a cluster's own folder. It has the state directory's id in its name: two containers with one engine
 * may have state directories of the same path.
 */
export function ownerFile(directory: string): string {
  const id = stateDirectory(path.dirname(path.dirname(directory)))?.id;
  return path.join(directory, id === undefined ? unnamed : `owner-${id}`);
}

/** As an earlier version called it, which gave its state directory no id. */
const unnamed = 'owner';

/** What the containers of a cluster folder carry; of an earlier version's, the folder itself still holds the file. */
export function ownerFiles(directory: string): string[] {
  const earlier = path.join(directory, unnamed);
  return [...new Set([ownerFile(directory), ...(existsSync(earlier) ? [earlier] : [])])];
}

/**
 * A kubelet looks at itself every 10 s, so a node is Ready up to 10 s after its network is: every second saves some
 * 4 s of a creation. What has not changed is still reported every 5 min only.
 */
const fasterReady = { nodeStatusUpdateFrequency: '1s', nodeStatusReportFrequency: '5m' };

/**
 * The controller manager gives each of its fifty controllers a token of its own before it starts the first, and asks for
 * them at 20 requests a second: for five seconds of a creation nothing makes the `default` ServiceAccount, and nothing
 * starts the network that a node is Ready with. These limits are its own defaults times ten.
 */
const fasterControllers = stringify({
  kind: 'ClusterConfiguration',
  controllerManager: { extraArgs: { 'kube-api-qps': '200', 'kube-api-burst': '300' } },
});

/** A kubelet of 1.35 or newer does not start on cgroup v1 unless it is told to. */
const onCgroupV1 = { failCgroupV1: false };

/** A node as kind's configuration has it. */
export interface KindNode {
  role?: string;
  labels?: Readonly<Record<string, string>>;
  kubeadmConfigPatches?: string[];
  extraMounts?: object[];
  extraPortMappings?: ({ listenAddress?: string } & object)[];
}

interface Publishing {
  /** Kind's own default is every address of the machine. */
  address: string;
  apiServer: { apiServerAddress: string; apiServerPort?: number };
  port(port: HostPort): HostPort;
}

/** Nothing is open to the network. */
const onThisMachine: Publishing = {
  address: '127.0.0.1',
  apiServer: { apiServerAddress: '127.0.0.1' },
  port: (port) => port,
};

/**
 * What is bound to 127.0.0.1 there is reached from there alone. -1 leaves it to the engine to find a free port: for 0
 * kind looks for one on this machine.
 */
const onAnother: Publishing = {
  address: '0.0.0.0',
  apiServer: { apiServerAddress: '0.0.0.0', apiServerPort: -1 },
  port: (port) => ({ ...port, hostPort: port.hostPort === 0 ? -1 : port.hostPort }),
};

const everyAddress = ['0.0.0.0', '::'];

/**
 * The API server's certificate names the host that it is reached at: kind names the address that it is bound to, and
 * nobody reaches it at 0.0.0.0. Added to kind's own list, and the user's, which a merge patch would replace in most kind
 * releases; without a version it fits kubeadm's of every Kubernetes.
 */
const naming = (host: string): object => ({
  group: '',
  version: '',
  kind: 'ClusterConfiguration',
  patch: stringify([{ op: 'add', path: '/apiServer/certSANs/-', value: host }]),
});

const jsonPatchesOf = (config: Record<string, unknown>): object[] =>
  (config['kubeadmConfigPatchesJSON6902'] as object[] | undefined) ?? [];

/**
 * An API server that listens where nobody here can reach it boots, and is then waited for in vain.
 * @throws JestKubernetesError CONFIG_INVALID
 */
export function refuseUnreachable(
  { config }: Pick<ClusterConfig, 'config'>,
  { host, env }: Pick<ContainerRuntime, 'host' | 'env'>,
): void {
  const { apiServerAddress } = (config?.['networking'] ?? {}) as { apiServerAddress?: string };
  if (isHere({ host }) || apiServerAddress === undefined) return;
  if (!isLoopback(apiServerAddress)) return;
  throw new JestKubernetesError(
    'CONFIG_INVALID',
    `cluster.config binds the API server to ${apiServerAddress}, which is reached on the engine's machine alone`,
    {
      evidence: [`the engine is at ${env['DOCKER_HOST'] ?? host}`],
      remedy: `Leave networking.apiServerAddress out: it is bound to 0.0.0.0 then, and reached at ${host}.`,
    },
  );
}

const isLoopback = (address: string): boolean => /^127\.|^::1$|^localhost$/.test(address);

/** The configuration that kind is given: the user's, with the owner's mark on every node, reached from here. */
export function kindConfig(
  cluster: Pick<ClusterConfig, 'config' | 'nodes'>,
  {
    directory,
    hostPorts = [],
    cgroupVersion,
    host = '127.0.0.1',
  }: {
    directory: string;
    hostPorts?: readonly HostPort[] | undefined;
    cgroupVersion?: ContainerRuntime['cgroupVersion'];
    host?: ContainerRuntime['host'];
  },
): Record<string, unknown> & { nodes: KindNode[] } {
  const config = structuredClone(cluster.config ?? {}) as Record<string, unknown> & { nodes?: KindNode[] };
  const nodes = config.nodes?.length ? config.nodes : cluster.nodes.map(kindNode);
  const kubelet = stringify({
    kind: 'KubeletConfiguration',
    ...fasterReady,
    ...(cgroupVersion === 1 ? onCgroupV1 : {}),
  });
  // `role` is control-plane where it is not given
  const first = nodes.find(({ role = 'control-plane' }) => role === 'control-plane');
  const publishing = isHere({ host }) ? onThisMachine : onAnother;
  const networking = { ...publishing.apiServer, ...(config['networking'] as object | undefined) };
  const mark = { hostPath: ownerFile(directory), containerPath: ownerMount, readOnly: true };
  return {
    ...config,
    kind: 'Cluster',
    apiVersion: config['apiVersion'] ?? 'kind.x-k8s.io/v1alpha4',
    networking,
    // kind applies them in order: a user's own comes last, and wins
    kubeadmConfigPatches: [
      kubelet,
      fasterControllers,
      ...((config['kubeadmConfigPatches'] as string[] | undefined) ?? []),
    ],
    ...(everyAddress.includes(networking.apiServerAddress)
      ? { kubeadmConfigPatchesJSON6902: [...jsonPatchesOf(config), naming(host)] }
      : {}),
    nodes: nodes.map((node) => {
      const ports = [
        ...(node.extraPortMappings ?? []),
        ...(node === first ? hostPorts.map((port) => ({ ...publishing.port(port), protocol: 'TCP' })) : []),
      ];
      return {
        ...node,
        extraMounts: [...(node.extraMounts ?? []), mark],
        ...(ports.length > 0
          ? { extraPortMappings: ports.map((port) => ({ listenAddress: publishing.address, ...port })) }
          : {}),
      };
    }),
  };
}

/** What kubeadm gives a control plane by itself, and leaves out where taints are asked for; kind takes it off a single node. */
const controlPlaneTaint: Taint = {
  key: 'node-role.kubernetes.io/control-plane',
  value: '',
  effect: 'NoSchedule',
};

function kindNode({ role, labels, taints, mounts }: NodeConfig): KindNode {
  const all = role === 'control-plane' ? [controlPlaneTaint, ...taints] : taints;
  // the first node is initialized, the others join: kind applies the patch that fits
  const patches = ['InitConfiguration', 'JoinConfiguration'].map((kind) =>
    stringify({ kind, nodeRegistration: { taints: all } }),
  );
  return {
    role,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(taints.length > 0 ? { kubeadmConfigPatches: patches } : {}),
    ...(mounts.length > 0 ? { extraMounts: [...mounts] } : {}),
  };
}
