/**
 * Every way in which a run can fail, by its stable code. `by` tells whose move
 * it is: a mistake of the `user` shows no stack, anything else keeps it.
 */
export const errorCodes = {
  CONFIG_INVALID: { by: 'user' },
  CONFIG_NOT_FOUND: { by: 'user' },
  CONFIG_CONFLICT: { by: 'user' },
  NODE_TOO_OLD: { by: 'user' },
  CLIENT_MISSING: { by: 'user' },
  RUNTIME_MISSING: { by: 'user' },
  RUNTIME_NOT_ANSWERING: { by: 'user' },
  RUNTIME_PERMISSION: { by: 'user' },
  RUNTIME_CLI_MISSING: { by: 'user' },
  KIND_MISSING: { by: 'user' },
  KIND_TOO_OLD: { by: 'user' },
  KIND_UNUSABLE: { by: 'user' },
  KIND_CHECKSUM: { by: 'environment' },
  CLUSTER_NAME_TAKEN: { by: 'user' },
  CLUSTER_CREATE_FAILED: { by: 'environment' },
  CLUSTER_NOT_READY: { by: 'environment' },
  CLUSTER_UNREACHABLE: { by: 'environment' },
  CLUSTER_DELETE_FAILED: { by: 'environment' },
  IMAGE_NOT_FOUND: { by: 'user' },
  IMAGE_UNAUTHORIZED: { by: 'user' },
  IMAGE_RATE_LIMITED: { by: 'environment' },
  IMAGE_PLATFORM: { by: 'user' },
  IMAGE_BUILD_FAILED: { by: 'user' },
  IMAGE_PULL_FAILED: { by: 'environment' },
  IMAGE_PUSH_FAILED: { by: 'environment' },
  IMAGE_IMPORT_FAILED: { by: 'environment' },
  REGISTRY_UNREACHABLE: { by: 'environment' },
  DISK_FULL: { by: 'environment' },
  STATE_UNUSABLE: { by: 'environment' },
  STALLED: { by: 'environment' },
  TIMED_OUT: { by: 'environment' },
  MANIFEST_INVALID: { by: 'user' },
  MANIFEST_FAILED: { by: 'environment' },
  INIT_SCRIPT_FAILED: { by: 'user' },
  PORT_TAKEN: { by: 'user' },
  POD_CRASHED: { by: 'user' },
  POD_MISCONFIGURED: { by: 'user' },
  POD_NOT_READY: { by: 'environment' },
  POD_OOM_KILLED: { by: 'user' },
  POD_UNSCHEDULABLE: { by: 'user' },
  VOLUME_NOT_BOUND: { by: 'user' },
  POSTGRES_FAILED: { by: 'environment' },
  POSTGRES_INIT_FAILED: { by: 'user' },
  SETUP_HOOK_FAILED: { by: 'user' },
  INTERRUPTED: { by: 'user' },
  NO_CLUSTER: { by: 'user' },
} as const satisfies Record<string, { by: 'user' | 'environment' }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** What was seen, most telling line first: the cause, as evidence. */
  evidence?: readonly string[];
  /** What the reader can do about it, as one or two sentences or a command. */
  remedy?: string;
  /** Absolute path of the folder with everything that was seen. */
  bundle?: string;
  cause?: unknown;
}

/** An error for a person: what failed, why, with evidence, and what to do. */
export class JestKubernetesError extends Error {
  override readonly name = 'JestKubernetesError';
  readonly evidence: readonly string[];
  readonly remedy: string | undefined;
  readonly bundle: string | undefined;

  /** @param message - one sentence that says what failed, without a full stop's worth of advice */
  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.evidence = details.evidence ?? [];
    this.remedy = details.remedy;
    this.bundle = details.bundle;
    // what a test runner prints of an error is its stack
    this.stack = (this.stack ?? message).replace(message, () => this.format());
  }

  /** The whole error as a reader sees it, several lines. */
  format(): string {
    return [
      `${this.message} (${this.code})`,
      ...this.evidence.map((line) => `    ${line}`),
      ...(this.remedy === undefined ? [] : [`  → ${this.remedy}`]),
      ...(this.bundle === undefined ? [] : [`  everything that was seen: ${this.bundle}`]),
    ].join('\n');
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
