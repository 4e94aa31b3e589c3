import type { Limits, NodeRole } from '../config/config.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import type { Progress } from '../report/progress.js';

/** One machine of a cluster that images can be streamed into. */
export interface ClusterNode {
  /** The container's name. */
  name: string;
  role: NodeRole;
}

/**
 * A cluster while it comes to be. The milestones are promises of one creation,
 * so that phases can start at the one they need; each rejects with the cause
 * when the creation fails.
 */
export interface ClusterCreation {
  /** Every node's containerd answers, those that are to join included: images can be streamed in. The first is the first control plane. */
  readonly nodes: Promise<readonly ClusterNode[]>;
  /** The API server answers: objects can be applied. */
  readonly api: Promise<ClusterAccess>;
  /** A test can use it: every node is Ready, and the `default` ServiceAccount exists. */
  readonly ready: Promise<ClusterAccess>;
}

export interface CreateOptions {
  signal: AbortSignal;
  progress: Progress;
  limits: Limits;
}

/** A kind of cluster: what a run needs of it, and nothing more. */
export interface ClusterProvider {
  readonly name: 'kind' | 'existing';
  /** Starts a creation; does not wait for it. */
  create(options: CreateOptions): ClusterCreation;
  /** A cluster that another run made: its access, once it answers. */
  join(options: CreateOptions): Promise<{ access: ClusterAccess; nodes: readonly ClusterNode[] }>;
  /**
   * Deletes what `create` made, as far as it came, and verifies that it is gone.
   * @throws JestKubernetesError CLUSTER_DELETE_FAILED, with what is left and the command that removes it
   */
  delete(options: { signal?: AbortSignal; progress: Progress }): Promise<void>;
}
