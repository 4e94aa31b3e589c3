import path from 'node:path';

import { stringify } from 'yaml';

import type { ClusterConfig, NodeConfig, Taint } from '../../config/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';

/** A port of the first control-plane node, published on 127.0.0.1. */
export interface HostPort {
  containerPort: number;
  /** 0 is any free one. */
  hostPort: number;
}

/** Where a node's container carries the mark of its owner: `docker inspect` tells by it who made the container. */
export const ownerMount = '/etc/jest-kubernetes/owner';

/** The mark's file in a cluster's own folder. */
export function ownerFile(directory: string): string {
  return path.join(directory, 'owner');
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
interface KindNode {
  role?: string;
  labels?: Readonly<Record<string, string>>;
  kubeadmConfigPatches?: string[];
  extraMounts?: object[];
  extraPortMappings?: ({ listenAddress?: string } & object)[];
}

/** The configuration that kind is given: the user's, with the owner's mark on every node and nothing open to the network. */
export function kindConfig(
  cluster: Pick<ClusterConfig, 'config' | 'nodes'>,
  {
    directory,
    hostPorts = [],
    cgroupVersion,
  }: {
    directory: string;
    hostPorts?: readonly HostPort[] | undefined;
    cgroupVersion?: ContainerRuntime['cgroupVersion'];
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
  const mark = { hostPath: ownerFile(directory), containerPath: ownerMount, readOnly: true };
  return {
    ...config,
    kind: 'Cluster',
    apiVersion: config['apiVersion'] ?? 'kind.x-k8s.io/v1alpha4',
    networking: { apiServerAddress: '127.0.0.1', ...(config['networking'] as object | undefined) },
    // kind applies them in order: a user's own comes last, and wins
    kubeadmConfigPatches: [
      kubelet,
      fasterControllers,
      ...((config['kubeadmConfigPatches'] as string[] | undefined) ?? []),
    ],
    nodes: nodes.map((node) => {
      const ports = [
        ...(node.extraPortMappings ?? []),
        ...(node === first ? hostPorts.map((port) => ({ ...port, protocol: 'TCP' })) : []),
      ];
      return {
        ...node,
        extraMounts: [...(node.extraMounts ?? []), mark],
        // kind's own default is every address of the machine
        ...(ports.length > 0
          ? { extraPortMappings: ports.map((port) => ({ listenAddress: '127.0.0.1', ...port })) }
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
