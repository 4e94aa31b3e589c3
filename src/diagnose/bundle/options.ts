import type { ClusterAccess } from '../../kubernetes/index.js';
import type { TimelineEntry } from '../../report/index.js';
import type { Diagnosis } from '../causes.js';
import type { Engine } from '../engine.js';

export interface BundleOptions {
  /** The folder of all bundles. */
  directory: string;
  /** When the run began, in milliseconds since the epoch. Default: now. */
  startedAt?: number;
  runId: string;
  /** What failed, as its reader is shown it; undefined where nothing has. */
  error?: unknown;
  diagnosis?: Diagnosis | undefined;
  /** Undefined where there is no cluster: what can be had without is written. */
  access?: ClusterAccess | undefined;
  /** The namespaces to look at; undefined is all of them, which suits a cluster of our own. */
  namespaces?: readonly string[] | undefined;
  engine?: Engine | undefined;
  /** Writes what the cluster's provider itself can tell (`kind export logs`) into a folder. */
  exportLogs?: ((directory: string, signal: AbortSignal) => Promise<unknown>) | undefined;
  timeline: readonly TimelineEntry[];
  /** Of node, jest, kind, the engine, this package. */
  versions: Readonly<Record<string, string>>;
  /** The run's environment, of which only the variables that matter here are written. */
  env: Readonly<Record<string, string | undefined>>;
  /** Passwords and tokens that the run knows of. */
  secrets?: readonly string[];
  ports?: readonly number[];
  signal?: AbortSignal;
}
