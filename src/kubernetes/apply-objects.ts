import type { Progress } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';
import type { ClusterAccess } from './access.js';
import { apply } from './apply.js';
import { claim, inItsNamespace, survey } from './claim.js';
import { openApi } from './client.js';
import { Kinds } from './kinds.js';
import type { ManifestObject } from './manifests/index.js';
import { describeObject, type KubernetesObject } from './objects.js';
import type { Owner } from './owner.js';
import { inOrder, persistently, putInOrder } from './put-in-order.js';
import type { Standing } from './standing.js';

export interface ApplyOptions {
  signal: AbortSignal;
  progress: Progress;
  /** In a cluster that was there before; undefined in one of our own, where all is ours. */
  shared?: Sharing | undefined;
}

/** How objects are applied in a cluster that is not ours. */
interface Sharing {
  /** Whose mark what is created carries. */
  owner: Owner;
  /** What becomes of an object that somebody else has made, and that applying would change. */
  conflicts: 'refuse' | 'leave';
}

/**
 * Applies objects, namespaces and definitions first. Objects of a namespaced kind that name no namespace go to the
 * context's. Ends when the API server has taken them all and the custom resource definitions are served; what they start
 * is waited for by `allReady`.
 *
 * In a cluster of our own it is server-side apply, our fields winning over other managers'. In one that was there before,
 * what is not there is created, with its owner's mark, and what was there is not touched: all objects are looked at before
 * the first is made.
 *
 * A refusal that passes by itself (a kind not served yet, a webhook or service account not there yet, a
 * server that does not answer) is tried again until `signal` ends it.
 *
 * @returns how many of them were there before and stay as they are
 * @throws JestKubernetesError MANIFEST_FAILED, with the object, its file and the API server's words; MANIFEST_CONFLICT
 *   where what somebody else has made would be changed
 */
export async function applyObjects(
  access: ClusterAccess,
  objects: readonly ManifestObject[],
  { signal, progress, shared }: ApplyOptions,
): Promise<number> {
  using api = openApi(access, { retry: false });
  const kinds = new Kinds(api);
  const persist = persistently({ signal, progress, lateKinds: Infinity });
  const left = new Set<ManifestObject>();
  if (shared !== undefined) {
    // what is served now may not be when its definition is there
    const before = new Kinds(api);
    const standings = await survey(api, before, inOrder(objects), { ...shared, signal, look: persist });
    heed([...standings].map(([entry, standing]) => ({ entry, standing })));
  }
  await putInOrder({ api, kinds }, objects, { signal, progress, persist, put });
  return left.size;

  async function put(entry: ManifestObject): Promise<KubernetesObject | undefined> {
    if (left.has(entry)) return undefined;
    const object = await persist(entry, () => inItsNamespace(kinds, entry, signal));
    if (shared === undefined) return persist(entry, () => apply(api, kinds, object, { signal }));
    const { owner } = shared;
    const standing = await persist(entry, () => claim(api, kinds, object, { owner, signal }));
    heed([{ entry, standing }]);
    return left.has(entry) ? undefined : object;
  }

  /** What somebody else has made stays as it is, or ends this. */
  function heed(found: readonly { entry: ManifestObject; standing: Standing }[]): void {
    const inTheWay = found.flatMap(({ entry, standing }) =>
      standing.is === 'in the way' ? [{ entry, why: standing.why }] : [],
    );
    if (inTheWay.length > 0 && shared?.conflicts === 'refuse') throw refused(inTheWay);
    for (const { entry, why } of inTheWay)
      progress.note(`left as it is: ${describeObject(entry.object)} of ${entry.origin}: ${why}`);
    for (const { entry, standing } of found)
      if (standing.is === 'in the way' || standing.is === 'as wanted') left.add(entry);
  }
}

function refused(inTheWay: readonly { entry: ManifestObject; why: string }[]): JestKubernetesError {
  const objects = inTheWay.length === 1 ? 'An object' : `${inTheWay.length} objects`;
  return new JestKubernetesError(
    'MANIFEST_CONFLICT',
    `${objects} of the manifests somebody else has made, and what was there before is not changed`,
    {
      evidence: inTheWay.map(
        ({ entry: { object, origin }, why }) => `${describeObject(object)} of ${origin}: ${why}`,
      ),
      remedy:
        'Take it out of the manifests, or write what is there; with cluster.conflicts: ‘leave’ it is used as it is.',
    },
  );
}
