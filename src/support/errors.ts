import { masker } from './mask.js';
import { bundleLine, errorPage } from './pages.js';

/** Every way in which a run can fail, by its stable code. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_NOT_FOUND'
  | 'CONFIG_CONFLICT'
  | 'NODE_TOO_OLD'
  | 'PLATFORM_UNSUPPORTED'
  | 'CLIENT_MISSING'
  | 'RUNTIME_MISSING'
  | 'RUNTIME_NOT_ANSWERING'
  | 'RUNTIME_PERMISSION'
  | 'RUNTIME_CLI_MISSING'
  | 'RUNTIME_UNSUPPORTED'
  | 'KIND_MISSING'
  | 'KIND_TOO_OLD'
  | 'KIND_UNUSABLE'
  | 'KIND_CHECKSUM'
  | 'TOOL_MISSING'
  | 'TOOL_CHECKSUM'
  | 'CLUSTER_NAME_TAKEN'
  | 'CLUSTER_CREATE_FAILED'
  | 'CLUSTER_NOT_READY'
  | 'CLUSTER_UNREACHABLE'
  | 'CLUSTER_DELETE_FAILED'
  | 'SNAPSHOT_FAILED'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_UNAUTHORIZED'
  | 'IMAGE_RATE_LIMITED'
  | 'IMAGE_PLATFORM'
  | 'IMAGE_BUILD_FAILED'
  | 'IMAGE_PULL_FAILED'
  | 'IMAGE_PUSH_FAILED'
  | 'IMAGE_IMPORT_FAILED'
  | 'REGISTRY_UNREACHABLE'
  | 'DISK_FULL'
  | 'STATE_UNUSABLE'
  | 'STALLED'
  | 'TIMED_OUT'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_FAILED'
  | 'MANIFEST_CONFLICT'
  | 'INIT_SCRIPT_FAILED'
  | 'PORT_TAKEN'
  | 'POD_CRASHED'
  | 'POD_MISCONFIGURED'
  | 'POD_NOT_READY'
  | 'POD_OOM_KILLED'
  | 'POD_UNSCHEDULABLE'
  | 'SERVICE_WITHOUT_PODS'
  | 'VOLUME_NOT_BOUND'
  | 'POSTGRES_FAILED'
  | 'POSTGRES_INIT_FAILED'
  | 'SETUP_HOOK_FAILED'
  | 'INTERRUPTED'
  | 'NO_CLUSTER'
  | 'TARGET_INVALID'
  | 'FORBIDDEN'
  | 'EXEC_FAILED'
  | 'COPY_FAILED'
  | 'LOGS_FAILED'
  | 'FORWARD_FAILED'
  | 'WAIT_FAILED';

export interface ErrorDetails {
  /** What was seen, most telling line first: the cause, as evidence. */
  evidence?: readonly string[];
  /** What the reader can do about it, as one or two sentences or a command. */
  remedy?: string | undefined;
  /** Absolute path of the folder with everything that was seen. */
  bundle?: string | undefined;
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

  /** The same error, otherwise told. This one is not the other's cause: it is the other. */
  with(changes: Partial<Pick<JestKubernetesError, 'code' | 'message'>> & ErrorDetails): JestKubernetesError {
    const { code = this.code, message = this.message } = changes;
    const { evidence, remedy, bundle, cause } = this;
    return new JestKubernetesError(code, message, { evidence, remedy, bundle, cause, ...changes });
  }

  /** The whole error as a reader sees it, several lines, without secrets: it is kept in logs, and copied into tickets. */
  format(): string {
    const text = [
      `${this.message} (${this.code})`,
      ...this.evidence.map((line) => `    ${line}`),
      ...(this.remedy === undefined ? [] : [`  → ${this.remedy}`]),
      ...(this.bundle === undefined ? [] : [`  ${bundleLine(this.bundle)}`]),
      `  ${errorPage(this.code)}`,
    ].join('\n');
    return masker()(text);
  }
}

/** The message of anything thrown: an error of another realm, or a web socket's event, has one too. */
export function messageOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === 'string' ? message : String(error);
}

/** Anything thrown, as a reader sees it: one of ours whole, without secrets. */
export function formatError(error: unknown): string {
  return error instanceof JestKubernetesError ? error.format() : messageOf(error);
}

/** The innermost message, where there are causes: `fetch failed` itself tells nothing. */
export function causeOf(error: unknown): string {
  const { cause, errors, code } = Object(error) as { cause?: unknown; errors?: unknown; code?: unknown };
  // of several addresses that were tried, the first
  const inner: unknown = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  return inner === undefined ? messageOf(error) || String(code) : causeOf(inner);
}
