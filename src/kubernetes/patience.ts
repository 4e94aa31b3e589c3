import { ApiError } from './api-error.js';
import { NotServed } from './kinds.js';

/** How long what looks like a mistake may still turn out to be early, in milliseconds. */
const patience = 20_000;

/** A refusal that is expected to pass. */
export class NotYet extends Error {}

/** How long the same request is worth trying again, in milliseconds. */
export function patienceWith(error: unknown): number {
  if (error instanceof NotServed) return error.isElsewhere ? 0 : patience;
  if (!(error instanceof ApiError)) return Infinity; // not yet, or no answer at all
  const { status, message } = error;
  if (status === 409 || status === 429 || status >= 503) return Infinity;
  if (status === 500 && /webhook|etcd|timeout|not ready/i.test(message)) return Infinity;
  // a pod in a namespace so young that its service account is not there
  if (status === 403 && /service ?account/i.test(message)) return Infinity;
  // a namespace, or the place of a kind, whose definition is so young, or so lately gone, that it is listed and not served
  return status === 404 && /namespaces? ".*" not found|page not found/.test(message) ? patience : 0;
}
