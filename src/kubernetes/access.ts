/** A cluster that can be used: what a run hands to its workers. */
export interface ClusterAccess {
  name: string;
  /** Absolute path of a kubeconfig (mode 0600) that knows this cluster alone. */
  kubeconfig: string;
  context: string;
}
