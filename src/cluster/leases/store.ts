import type { ClusterState, Holder } from './state.js';
import type { Change, Found } from './transitions.js';

/**
 * Where one cluster's state lives. Files for the runs of one machine; anything that can replace one document
 * atomically and tell the living from the dead will do (a Kubernetes Lease object, say, renewed by its holders).
 */
export interface StateStore {
  /** Absolute path of the folder with the kubeconfig, and what else a deletion needs. */
  readonly folder: string;
  /** Reads, changes and writes as one step between all that share the store. The change may be called again. */
  transact<Result>(change: (found: Found) => Change<Result>, signal?: AbortSignal): Promise<Result>;
  /** Without waiting for anyone. */
  peek(): ClusterState | undefined;
  /** Resolves when the state has changed since it was last read here, or after that many milliseconds. */
  changed(signal: AbortSignal | undefined, timeoutMs: number): Promise<void>;
  isAlive(holder: Holder): boolean;
  /** Whether a run that lives can be taken for dead, as its machine slept, or was cut off. */
  readonly mayErr: boolean;
  /**
   * This process has no more to do with it; `done`: nor has the run. Otherwise another process goes on in its place,
   * which finds what it needs.
   */
  close(outcome: 'done' | 'unfinished'): Promise<void>;
}
