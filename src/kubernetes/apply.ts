import type { Api } from './client.js';
import type { Kinds } from './kinds.js';
import { fieldManager, type KubernetesObject } from './objects.js';
import { NotYet } from './patience.js';

interface ApplyOptions {
  signal?: AbortSignal | undefined;
  /** In whose name. Default: this package's. */
  manager?: string;
  /** Whether fields that other managers have set are taken from them; else such a conflict is refused. Default: true. */
  force?: boolean;
}

/**
 * Applies one object (server-side apply); one that is being deleted takes nothing in any more, and has to go first.
 * @throws NotYet, NotServed, ApiError
 */
export async function apply(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  { signal, manager = fieldManager, force = true }: ApplyOptions = {},
): Promise<KubernetesObject> {
  const path = await kinds.pathOf(object, signal);
  const applied = await api.request<KubernetesObject>(
    `${path}?fieldManager=${manager}&force=${String(force)}`,
    {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: object,
      signal,
    },
  );
  if (applied.metadata.deletionTimestamp !== undefined) throw new NotYet('an earlier one is being deleted');
  return applied;
}
