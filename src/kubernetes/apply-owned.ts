import { differingLeaves } from '../support/differing-leaves.js';
import { JestKubernetesError } from '../support/errors.js';
import { ApiError, isGone, unless } from './api-error.js';
import { apply, fieldManager, NotYet } from './apply-object.js';
import type { Api } from './client.js';
import type { Kinds } from './kinds.js';
import { describeObject, type KubernetesObject } from './objects.js';
import { describeMark, owned, type Owner, ownerOf } from './owner.js';

/*
 * Applying in a cluster that others use too. Only what is made here carries the owner's mark, by which it is deleted in
 * the end. What was there before is neither changed nor marked.
 */

/** What becomes of an object that was there and is not as it is wanted: the run fails, or takes it as it is. */
type Conflicts = 'refuse' | 'leave';

export interface Sharing {
  owner: Owner;
  conflicts: Conflicts;
}

/**
 * Makes an object, or leaves one that was there before as it is.
 * @returns whether it is the owner's
 * @throws JestKubernetesError MANIFEST_FAILED where one that was there is not as it is wanted, or another set-up's
 */
export async function applyOwned(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  { owner, conflicts, signal }: Sharing & { signal?: AbortSignal | undefined },
): Promise<boolean> {
  const path = await kinds.pathOf(object, signal);
  const collection = path.slice(0, path.lastIndexOf('/'));
  const marked = owned(object, owner);
  try {
    const query = `fieldManager=${fieldManager}`;
    await api.request(`${collection}?${query}`, { method: 'POST', body: marked, signal });
    return true;
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
  const isOurs = await judge(api, path, object, { owner, conflicts, signal });
  // an attempt before has made it
  if (isOurs) await apply(api, kinds, marked, signal);
  return isOurs;
}

/**
 * Looks at what is there in an object's place, and changes nothing.
 * @returns whether it is the owner's already
 * @throws as {@link applyOwned}; NotYet where it is being deleted
 */
export async function judge(
  api: Api,
  path: string,
  object: KubernetesObject,
  { owner, conflicts, signal }: Sharing & { signal?: AbortSignal | undefined },
): Promise<boolean> {
  const found = await unless(isGone, api.request<KubernetesObject>(path, { signal }));
  if (found === undefined) return false;
  if (found.metadata.deletionTimestamp !== undefined) throw new NotYet('an earlier one is being deleted');
  const mark = ownerOf(found);
  if (mark === owner.id) return true;
  if (mark !== undefined) throw anothers(object, found);
  if (conflicts === 'refuse') {
    const changes = await changesOf(api, path, object, found, signal);
    if (changes.length > 0) throw foreign(object, changes);
  }
  return false;
}

/** What applying would change in an object that is there, in words; asked of the API server, which changes nothing. */
async function changesOf(
  api: Api,
  path: string,
  object: KubernetesObject,
  found: KubernetesObject,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  try {
    const result = await api.request<KubernetesObject>(`${path}?fieldManager=${fieldManager}&dryRun=All`, {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: object,
      signal,
    });
    const managers = managersOf(found);
    const by = managers === '' ? '' : `, which ${managers} manages`;
    return differingLeaves(content(found), content(result)).map(
      ({ path: field, one, other }) => `${field}: ${show(one)} there, ${show(other)} in the manifest${by}`,
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    const causes = error.details.causes ?? [];
    const told = causes.map(({ field = '', message = '' }) => `${field.replace(/^\./, '')}: ${message}`);
    return told.length > 0 ? told : [error.message];
  }
}

const show = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

/** Without what the API server keeps account of. */
function content({ metadata, status: _, ...rest }: KubernetesObject): object {
  const {
    managedFields: _fields,
    resourceVersion: _version,
    generation: _generation,
    ...kept
  } = metadata as Record<string, unknown>;
  return { ...rest, metadata: kept };
}

function managersOf({ metadata }: KubernetesObject): string {
  const fields = (metadata as { managedFields?: { manager?: string }[] }).managedFields ?? [];
  return [...new Set(fields.map(({ manager }) => manager).filter((each) => each !== undefined))].join(', ');
}

function foreign(object: KubernetesObject, changes: readonly string[]): JestKubernetesError {
  return new JestKubernetesError(
    'MANIFEST_FAILED',
    `${describeObject(object)} was in the cluster before, and is not as the manifest says`,
    {
      evidence: changes.slice(0, 5),
      remedy:
        "Nothing that was there is changed: give yours another name or namespace, or take it as it is with cluster.conflicts: 'leave'.",
    },
  );
}

function anothers(object: KubernetesObject, found: KubernetesObject): JestKubernetesError {
  return new JestKubernetesError('MANIFEST_FAILED', `${describeObject(object)} belongs to another set-up`, {
    evidence: [`it was made by ${describeMark(found)}, and goes when that ends`],
    remedy:
      'Wait for that to end, give both the same cluster.name so that they share it, or give yours another name or namespace.',
  });
}
