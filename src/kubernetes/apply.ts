import type { Progress } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import type { ClusterAccess } from './access.js';
import { ApiError } from './api-error.js';
import { apply, NotYet } from './apply-object.js';
import { applyOwned, judge, type Sharing } from './apply-owned.js';
import { openApi } from './client.js';
import { Kinds, NotServed } from './kinds.js';
import { describeObject, type KubernetesObject } from './objects.js';
import type { ManifestObject } from './read-manifests.js';

const retryInterval = 250;
/** How long what looks like a mistake may still turn out to be early, in milliseconds. */
const patience = 20_000;

/** What others need comes first; those not named here come between the two; within one rank, as the files say. */
const first = [
  ['Namespace'],
  ['CustomResourceDefinition'],
  ['StorageClass', 'PriorityClass', 'IngressClass', 'RuntimeClass', 'ServiceAccount', 'ClusterRole', 'Role'],
  ['ClusterRoleBinding', 'RoleBinding', 'Secret', 'ConfigMap', 'PersistentVolume', 'PersistentVolumeClaim'],
  ['LimitRange', 'ResourceQuota', 'Service'],
];
const last = ['APIService', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

function rank({ kind }: KubernetesObject): number {
  if (last.includes(kind)) return first.length + 1;
  const index = first.findIndex((kinds) => kinds.includes(kind));
  return index === -1 ? first.length : index;
}

/** The objects in the order in which they can be made. */
export function inOrder(objects: readonly ManifestObject[]): ManifestObject[] {
  return [...objects].sort((a, b) => rank(a.object) - rank(b.object));
}

export interface ApplyOptions {
  signal: AbortSignal;
  progress: Progress;
  /** In a cluster that others use too: whose the objects are, and what becomes of those that were there before. */
  sharing?: Sharing | undefined;
}

/**
 * Applies objects (server-side apply, our fields winning over other managers'), namespaces and definitions
 * first; in a cluster that others use too, what was there before is left as it is. Objects of a namespaced kind that name
 * no namespace go to the context's. Ends when the API server has
 * taken them all and the custom resource definitions are served; what they start (pods, volumes) is not
 * waited for: a test says what it needs with `waitFor`.
 *
 * A refusal that passes by itself (a kind not served yet, a webhook or service account not there yet, a
 * server that does not answer) is tried again until `signal` ends it.
 *
 * @returns how many of them were there before, and were left
 * @throws JestKubernetesError MANIFEST_FAILED, with the object, its file and the API server's words
 */
export async function applyObjects(
  access: ClusterAccess,
  objects: readonly ManifestObject[],
  { signal, progress, sharing }: ApplyOptions,
): Promise<number> {
  using api = openApi(access, { retry: false });
  const kinds = new Kinds(api);
  const definitions: ManifestObject[] = [];
  const shared = sharing && { ...sharing, signal };
  let applied = 0;
  let left = 0;
  // a refusal must leave nothing half made
  if (shared !== undefined) for (const entry of objects) await checked(entry, shared);
  for (const entry of inOrder(objects)) {
    const isDefinition = entry.object.kind === 'CustomResourceDefinition';
    if (!isDefinition && definitions.length > 0) await established(definitions.splice(0));
    const isOurs = await persistently(entry, async () => {
      if (shared !== undefined) return applyOwned(api, kinds, entry.object, shared);
      await apply(api, kinds, entry.object, signal);
      return true;
    });
    if (!isOurs) left += 1;
    if (isDefinition) definitions.push(entry);
    applied += 1;
    progress.moved(`${applied} of ${objects.length} objects, ${describeObject(entry.object)}`);
  }
  await established(definitions);
  return left;

  /** What cannot be asked yet, as its kind or namespace is still to be made, was not there before. */
  async function checked(entry: ManifestObject, how: Sharing & { signal: AbortSignal }): Promise<void> {
    await persistently(entry, async () => {
      try {
        await judge(api, await kinds.pathOf(entry.object, signal), entry.object, how);
      } catch (error) {
        if (!(error instanceof NotServed)) throw error;
      }
    });
  }

  async function persistently<T>(entry: ManifestObject, attempt: () => Promise<T>): Promise<T> {
    const start = performance.now();
    progress.waitingFor(`the API server to take ${describeObject(entry.object)} of ${entry.origin}`);
    for (;;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        if (performance.now() - start >= patienceWith(error)) throw failed(entry, error);
        progress.waitingFor(`${describeObject(entry.object)} of ${entry.origin}: ${messageOf(error)}`);
        await pause(retryInterval, signal);
      }
    }
  }

  async function established(entries: readonly ManifestObject[]): Promise<void> {
    for (const entry of entries) {
      await persistently(entry, async () => {
        const path = await kinds.pathOf(entry.object, signal);
        const { status } = await api.request<{ status?: { conditions?: Condition[] } }>(path, { signal });
        const condition = status?.conditions?.find(({ type }) => type === 'Established');
        if (condition?.status !== 'True') throw new NotYet(condition?.message ?? 'it is not established yet');
      });
      progress.moved(`${describeObject(entry.object)} is established`);
    }
  }
}

interface Condition {
  type: string;
  status: string;
  message?: string;
}

/** How long the same request is worth trying again, in milliseconds. */
export function patienceWith(error: unknown): number {
  if (error instanceof NotServed) return patience;
  if (error instanceof JestKubernetesError) return 0;
  if (!(error instanceof ApiError)) return Infinity; // not yet, or no answer at all
  const { status, message } = error;
  if (status === 409 || status === 429 || status >= 503) return Infinity;
  if (status === 500 && /webhook|etcd|timeout/i.test(message)) return Infinity;
  // a pod in a namespace so young that its service account is not there
  if (status === 403 && /service ?account/i.test(message)) return Infinity;
  return status === 404 && /namespaces? ".*" not found/.test(message) ? patience : 0;
}

function failed({ object, origin }: ManifestObject, error: unknown): JestKubernetesError {
  if (error instanceof JestKubernetesError)
    return error.with({ evidence: [`${origin}: ${object.apiVersion} ${object.kind}`, ...error.evidence] });
  return new JestKubernetesError('MANIFEST_FAILED', `${describeObject(object)} could not be applied`, {
    evidence: [`${origin}: ${object.apiVersion} ${object.kind}`, messageOf(error)],
    remedy: 'Correct the manifest; the line above is the API server’s own answer.',
    cause: error,
  });
}
