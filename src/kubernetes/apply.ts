import type { Api } from './client.js';
import type { Kinds } from './kinds.js';
import { fieldManager, type KubernetesObject } from './objects.js';
import { NotYet } from './patience.js';

/**
 * Applies one object (server-side apply, our fields winning over other managers'); one that is being deleted takes nothing in any more, and has to go first.
 * @throws NotYet, NotServed, ApiError
 */
export async function apply(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  signal?: AbortSignal,
): Promise<KubernetesObject> {
  const path = await kinds.pathOf(object, signal);
  const applied = await api.request<KubernetesObject>(`${path}?fieldManager=${fieldManager}&force=true`, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    body: object,
    signal,
  });
  if (applied.metadata.deletionTimestamp !== undefined) throw new NotYet('an earlier one is being deleted');
  return applied;
}
