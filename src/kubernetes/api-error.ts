import type { IncomingMessage } from 'node:http';

/** What the API server adds to a refusal: of which object, and why, as far as it says so. */
export interface ApiErrorDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** The API server's own answer to a request that it did not fulfil. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** When the server wants to be asked again, in milliseconds from its answer on; undefined where it says nothing. */
  readonly retryAfter: number | undefined;

  /** @param reason - the server's word for it, such as `AlreadyExists`; empty where it gives none */
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly details: ApiErrorDetails = {},
    retryAfter?: number,
  ) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** The server was silent for as long as a request may take. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** @param limit - in milliseconds */
  constructor(limit: number) {
    super(`no answer within ${limit / 1000} s`);
  }
}

/** Undefined where the API server's answer is one of these. */
export async function unless<T>(
  expected: (status: number) => boolean,
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && expected(error.status)) return undefined;
    throw error;
  }
}

export const isGone = (status: number): boolean => status === 404;
/** A shared cluster's user may not see every kind; what they may not see, they have not made. */
export const isHidden = (status: number): boolean => status === 403 || isGone(status);

/** The error in an answer's body: a `Status` object, or whatever a proxy on the way says. */
export function apiErrorIn({ statusCode = 0, headers }: IncomingMessage, body: string): ApiError {
  const retryAfter = retryAfterIn(headers['retry-after']);
  try {
    return apiErrorOf(JSON.parse(body) as Status, { status: statusCode, body, retryAfter });
  } catch {
    return new ApiError(statusCode, '', body.trim() || `HTTP status ${statusCode}`, {}, retryAfter);
  }
}

interface Status {
  code?: number;
  reason?: string;
  message?: string;
  details?: ApiErrorDetails;
}

interface Answer {
  status: number;
  body: string;
  retryAfter: number | undefined;
}

function apiErrorOf({ reason, message, details }: Status, { status, body, retryAfter }: Answer): ApiError {
  return new ApiError(status, reason ?? '', message ?? body, details, retryAfter);
}

/** The error that a watch brings as an event, and ends with. */
export function apiErrorInEvent(status: Status): ApiError {
  const body = JSON.stringify(status);
  return apiErrorOf(status, { status: status.code ?? 0, body, retryAfter: undefined });
}

/** A number of seconds, or a date. */
function retryAfterIn(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
