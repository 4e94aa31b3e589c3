import { isHidden, unless } from './api-error.js';
import type { Api } from './client.js';

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status?: { containerStatuses?: { state?: { running?: unknown } }[] };
}

/** A namespace that is being deleted, as the API server gives it. */
interface TerminatingNamespace {
  metadata: { annotations?: Record<string, string> };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Tells a namespace whose controller knows that its pods are gone. */
const emptied = 'jest-kubernetes/without-pods';

/** When a pod's kubelet should have said that it is gone, in milliseconds: a second of grace, and two to tell. */
const patience = 3000;

/**
 * Takes the needless waits out of a namespace's deletion; to be called until it is gone.
 *
 * A kubelet may take a minute and a half to let a pod go whose containers have ended (seen with Kubernetes 1.20): such
 * a pod is deleted without it. And the namespace controller looks 5 s after the deletion, but where it finds pods then,
 * only after half of their grace period again, and later each time; a change has it look 5 s after the change
 * (kubernetes/pkg/controller/namespace).
 * @param options.since - how long ago it was deleted, in milliseconds
 */
export async function hasten(
  api: Api,
  path: string,
  namespace: TerminatingNamespace,
  { since, signal }: { since: number; signal: AbortSignal | undefined },
): Promise<void> {
  if (since < patience) return;
  const pods = await unless(isHidden, api.request<{ items: Pod[] }>(`${path}/pods`, { signal }));
  if (pods === undefined) return;
  for (const pod of pods.items.filter(hasEnded)) {
    const remove = api.request(`${path}/pods/${pod.metadata.name}?gracePeriodSeconds=0`, {
      method: 'DELETE',
      signal,
    });
    await unless(isHidden, remove);
  }
  if (pods.items.length > 0 || !isWaiting(namespace)) return;
  const body = { metadata: { annotations: { [emptied]: 'true' } } };
  await unless(
    isHidden,
    api.request(path, { method: 'PATCH', contentType: 'application/merge-patch+json', body, signal }),
  );
}

const hasEnded = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (status?.containerStatuses ?? []).every(({ state }) => state?.running === undefined);

/** For pods that it has found; and it has not been told that they are gone. */
const isWaiting = ({ metadata, status }: TerminatingNamespace): boolean =>
  metadata.annotations?.[emptied] === undefined &&
  (status?.conditions ?? []).some(
    ({ type, status: is }) => type === 'NamespaceContentRemaining' && is === 'True',
  );
