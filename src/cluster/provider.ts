import type { NodeRole } from '../config/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import type { Made, Removal } from './leases/index.js';

/** One machine of a cluster that images can be streamed into. */
export interface ClusterNode {
  /** The container's name. */
  name: string;
  /** What Kubernetes calls it: that name, but where the cluster was started from a snapshot of another. */
  hostname: string;
  role: NodeRole;
  /** References of images that it has had from its start. Default: none. */
  images?: readonly string[];
}

/** What a node is for, by the labels that kubeadm gives it. */
export function roleOf(labels: Readonly<Record<string, string>> = {}): NodeRole {
  return labels['node-role.kubernetes.io/control-plane'] === undefined ? 'worker' : 'control-plane';
}

/**
 * A cluster while it comes to be. The milestones are promises of one creation,
 * so that phases can start at the one they need; each rejects with the cause
 * when the creation fails.
 */
export interface ClusterCreation {
  /**
   * Every node's containerd answers, those that are to join included: images can be streamed in. The first is the
   * first control plane. None where the nodes are not kind's.
   */
  readonly nodes: Promise<readonly ClusterNode[]>;
  /** The API server answers: objects can be applied. */
  readonly api: Promise<ClusterAccess>;
  /** A test can use it: every node is Ready, and pods are admitted. */
  readonly ready: Promise<ClusterAccess>;
  /** Whether it is booted, as there is no snapshot that it could start from. Default: it never has one. */
  readonly lacksSnapshot?: Promise<boolean>;
}

/** A cluster that another run made. */
export interface JoinedCluster {
  access: ClusterAccess;
  nodes: readonly ClusterNode[];
}

/** Where something listens. */
export interface HostAndPort {
  /** A name or an address, without brackets. */
  host: string;
  port: number;
}

export interface CreateOptions {
  signal: AbortSignal;
  progress: Progress;
}

/** What a reader is told of a cluster. */
interface ProviderWords {
  /** Of the run that is the first to come. */
  begins: string;
  /** The phase that has it at its end. */
  phase: string;
  /** What is worth knowing of it then. */
  reached(access: ClusterAccess): string | undefined;
  /** Of one that stays: what that means for the next run. */
  keeps: string;
  /** How a kept one is used and deleted; lines for a shell. */
  usage: readonly string[];
}

/** Where a run's cluster comes from, and whatever depends on that. */
export interface ClusterProvider {
  readonly name: Removal['provider'];
  readonly words: ProviderWords;
  /**
   * Whether the cluster was there before and stays, so that what runs have set up in it carries their mark and goes by
   * that. Where it does not stay, all of it goes with the cluster.
   */
  readonly stays: boolean;
  /** What cannot be changed in the cluster later. */
  made(): Promise<Made>;
  /** The container engine; detected at the first call. */
  runtime(): Promise<ContainerRuntime>;
  /** What must be there before the lease is taken. */
  prepare(signal: AbortSignal): Promise<void>;
  /** What it takes to delete it. */
  removal(): Promise<Removal>;
  /** Starts a creation; does not wait for it. */
  create(options: CreateOptions): ClusterCreation;
  /** A cluster that another run made, once it answers. @throws JestKubernetesError CLUSTER_UNREACHABLE */
  join(signal: AbortSignal, progress?: Progress): Promise<JoinedCluster>;
  /** Has its containers stand still, or go on; those that do so already are left alone. Undefined where they are not ours. */
  readonly rest: ((state: 'running' | 'paused', signal?: AbortSignal) => Promise<void>) | undefined;
  /** Whether one that does not answer any more may be made anew. */
  readonly replaceable: boolean;
  /** Where a port of the first control plane is reached; undefined where it is not published. */
  published(containerPort: number, signal?: AbortSignal): Promise<HostAndPort | undefined>;
  /** Whether nodes lead to an address within the cluster; undefined where they are not ours to ask. */
  readonly leadTo:
    | ((nodes: readonly ClusterNode[], address: HostAndPort, signal?: AbortSignal) => Promise<boolean>)
    | undefined;
  /** Writes what the provider itself can tell of its nodes into a folder; undefined where that is nothing. */
  readonly exportLogs: ((folder: string, signal: AbortSignal) => Promise<void>) | undefined;
}
