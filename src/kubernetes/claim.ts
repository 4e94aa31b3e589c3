import { JestKubernetesError } from '../support/errors.js';
import { ApiError, isHidden, unless } from './api-error.js';
import { apply } from './apply.js';
import type { Api } from './client.js';
import { type Kinds, NotServed, type Place } from './kinds.js';
import type { ManifestObject } from './manifests/index.js';
import { describeObject, fieldManager, type KubernetesObject } from './objects.js';
import { owned, type Owner } from './owner.js';
import { NotYet } from './patience.js';
import { type Standing, standingOf } from './standing.js';

interface Claim {
  owner: Owner;
  signal?: AbortSignal | undefined;
}

/**
 * Creates an object with its owner's mark; one of the same owner is applied anew. What somebody else has made stays as
 * it is, and how it stands to what is wanted is the answer.
 * @throws NotYet, NotServed, ApiError
 */
export async function claim(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  { owner, signal }: Claim,
): Promise<Exclude<Standing, { is: 'absent' }>> {
  const { path, collection } = await kinds.placeOf(object, signal);
  const mine = owned(object, owner);
  try {
    const made = await api.request<KubernetesObject>(`${collection}?fieldManager=${fieldManager}`, {
      ...{ method: 'POST', body: mine, signal },
    });
    return { is: 'ours', uid: made.metadata.uid };
  } catch (error) {
    // what is there already may be looked at by many who may not create it
    const isThere = error instanceof ApiError && (error.reason === 'AlreadyExists' || error.status === 403);
    if (!isThere) throw error;
    const standing = await standingOf(api, path, object, { owner, signal });
    if (standing.is === 'ours') {
      // that very one: should another have its name by now, it is refused
      const { uid } = standing;
      await apply(api, kinds, { ...mine, metadata: { ...mine.metadata, uid } }, { signal });
    }
    if (standing.is !== 'absent') return standing;
    throw error.status === 403 ? error : new NotYet('it was deleted just now');
  }
}

/**
 * Looks at what is there of all the objects, before the first is made.
 * @param look - tries again what passes by itself
 * @throws JestKubernetesError MANIFEST_FAILED for one that could be made, and not be found again to be deleted
 */
export async function survey(
  api: Api,
  kinds: Kinds,
  entries: readonly ManifestObject[],
  {
    look,
    ...claimant
  }: Claim & { look: <T>(entry: ManifestObject, attempt: () => Promise<T>) => Promise<T> },
): Promise<Map<ManifestObject, Standing>> {
  const standings = new Map<ManifestObject, Standing>();
  const ownNamespaces = new Set<string>();
  const listed = new Map<string, Promise<boolean>>();
  for (const entry of entries) {
    const { object } = entry;
    const [place, standing] = await look(entry, () => lookAt(api, kinds, entry, claimant));
    standings.set(entry, standing);
    const isToBe = standing.is === 'absent' || standing.is === 'ours';
    if (object.kind === 'Namespace' && isToBe) ownNamespaces.add(object.metadata.name);
    if (place === undefined || standing.is !== 'absent' || ownNamespaces.has(place.namespace ?? '')) continue;
    const scope = place.namespace === api.namespace ? place.collection : place.everywhere;
    const isFound = listed.get(scope) ?? look(entry, () => mayList(api, scope, claimant.signal));
    listed.set(scope, isFound);
    if (!(await isFound)) throw outOfSight(entry, place, api.namespace);
  }
  return standings;
}

/** An object in the namespace that was given for those that name none, where its kind has one. @throws NotServed */
export async function inItsNamespace(
  kinds: Kinds,
  { object, namespace }: ManifestObject,
  signal: AbortSignal | undefined,
): Promise<KubernetesObject> {
  if (namespace === undefined || object.metadata.namespace !== undefined) return object;
  const place = await kinds.placeOf(object, signal);
  return place.namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

async function lookAt(
  api: Api,
  kinds: Kinds,
  entry: ManifestObject,
  claimant: Claim,
): Promise<[Place | undefined, Standing]> {
  try {
    const object = await inItsNamespace(kinds, entry, claimant.signal);
    const place = await kinds.placeOf(object, claimant.signal);
    // one that may not be seen is met when it is created
    const standing = await unless(isHidden, standingOf(api, place.path, object, claimant));
    return [place, standing ?? { is: 'absent' }];
  } catch (error) {
    // its definition is among the objects, or on its way
    if (error instanceof NotServed) return [undefined, { is: 'absent' }];
    throw error;
  }
}

async function mayList(api: Api, scope: string, signal: AbortSignal | undefined): Promise<boolean> {
  return (await unless(isHidden, api.request(`${scope}?limit=1`, { signal }))) !== undefined;
}

function outOfSight(
  { object, origin }: ManifestObject,
  { resource, namespace }: Place,
  contexts: string,
): JestKubernetesError {
  const where = namespace === contexts ? `the namespace ${contexts}` : 'the whole cluster';
  return new JestKubernetesError(
    'MANIFEST_FAILED',
    `${describeObject(object)} could be made, and not be found again to be deleted`,
    {
      evidence: [`${origin}: the kubeconfig’s user may not list ${resource} of ${where}`],
      remedy: `Give that user the right to list ${resource}, or put the object into the context’s namespace (${contexts}).`,
    },
  );
}
