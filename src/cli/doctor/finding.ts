import type { Config } from '../../config/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';

/** `warning`: a run can work, and there is something that one should know. */
export type Status = 'ok' | 'warning' | 'problem';

export interface Finding {
  status: Status;
  /** The fact that was seen. */
  seen: string;
  /** How it is mended: in words, or by a command. */
  remedy?: string | { command: string } | undefined;
}

/** What the checks share; each part is asked for once. */
export interface Patient {
  env: NodeJS.ProcessEnv;
  /** Absolute path of the folder that a run would be started in. */
  folder: string;
  /** Rejects where the configuration is broken. */
  config: Promise<Config>;
  /** The same; where it is broken what there is without its file. */
  settings: Promise<Config>;
  /** Rejects where there is none that answers. */
  engine: Promise<ContainerRuntime>;
  signal: AbortSignal;
}

export type Examine = (patient: Patient) => Finding | undefined | Promise<Finding | undefined>;

export const ok = (seen: string): Finding => ({ status: 'ok', seen });
export const warning = (seen: string, remedy?: Finding['remedy']): Finding => ({
  status: 'warning',
  seen,
  remedy,
});
export const problem = (seen: string, remedy?: Finding['remedy']): Finding => ({
  status: 'problem',
  seen,
  remedy,
});
