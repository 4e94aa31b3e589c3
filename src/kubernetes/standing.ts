import { isDeepStrictEqual } from 'node:util';

import { ApiError, isGone, unless } from './api-error.js';
import type { Api } from './client.js';
import { fieldManager, type KubernetesObject } from './objects.js';
import { clusterLabel, isOwnedBy, type Owner, ownerLabel, ownerOf } from './owner.js';
import { NotYet } from './patience.js';

/*
 * How an object of a manifest stands to what is in a cluster that is not ours. What was there before is neither changed
 * nor marked: whether applying would change it, the API server itself tells, in a dry run without force.
 */

/** What applying an object would come to. */
export type Standing =
  /** It is not there. */
  | { is: 'absent' }
  /** The same set-up has made it. */
  | { is: 'ours'; uid: string | undefined }
  /** Somebody else made it, and applying it would change nothing. */
  | { is: 'as wanted' }
  /** Somebody else made it. @param why - what would change, or whose it is; for a reader */
  | { is: 'in the way'; why: string };

/** What the API server alone writes. */
const bookkeeping = ['managedFields', 'resourceVersion', 'generation'];
/** How often one that changes meanwhile is looked at again. */
const attempts = 5;
/** How many fields a reader is told of. */
const shown = 8;

/** @throws NotYet while it is being deleted; ApiError */
export async function standingOf(
  api: Api,
  path: string,
  given: KubernetesObject,
  { owner, signal }: { owner: Owner; signal?: AbortSignal | undefined },
): Promise<Standing> {
  const object = asRead(given);
  for (let attempt = 1; ; attempt += 1) {
    const present = await unless(isGone, api.request<KubernetesObject>(path, { signal }));
    if (present === undefined) return { is: 'absent' };
    if (present.metadata.deletionTimestamp !== undefined) throw new NotYet('an earlier one is being deleted');
    if (isOwnedBy(present, owner)) return { is: 'ours', uid: present.metadata.uid };
    const another = ownerOf(present);
    if (another !== undefined) return { is: 'in the way', why: madeBy(another) };
    const tried = await tryOut(api, path, object, signal);
    // what is compared must be of one moment
    const isStale = 'would' in tried && versionOf(tried.would) !== versionOf(present);
    if (isStale && attempt < attempts) continue;
    return compared(object, present, tried);
  }
}

/** A Secret's `stringData` is written and never read: as data it can be compared, and has no manager of its own. */
function asRead(object: KubernetesObject): KubernetesObject {
  const { stringData, data, ...rest } = object as KubernetesObject & Partial<Record<string, object>>;
  if (object.kind !== 'Secret' || stringData === undefined) return object;
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(String(text)).toString('base64'),
  ]);
  return { ...rest, data: { ...data, ...(Object.fromEntries(encoded) as object) } };
}

const madeBy = ({ id, cluster }: Owner): string =>
  `the set-up ${cluster} has made it (${ownerLabel}=${id}, ${clusterLabel}=${cluster}), and it goes with that`;

/** What a dry run came to: the object as it would be, the fields that others manage, or no answer of use. */
type Tried = { would: KubernetesObject } | { refused: ApiError };

async function tryOut(
  api: Api,
  path: string,
  body: KubernetesObject,
  signal: AbortSignal | undefined,
): Promise<Tried> {
  try {
    const would = await api.request<KubernetesObject>(`${path}?fieldManager=${fieldManager}&dryRun=All`, {
      ...{ method: 'PATCH', contentType: 'application/apply-patch+yaml', body, signal },
    });
    return { would };
  } catch (error) {
    if (error instanceof ApiError && error.status < 500 && error.status !== 429) return { refused: error };
    throw error;
  }
}

function compared(wanted: KubernetesObject, present: KubernetesObject, tried: Tried): Standing {
  if ('would' in tried) {
    const [before, after] = [present, tried.would].map(withoutBookkeeping);
    return changing(differing(before, after), managersOf(present));
  }
  const { status, message, details } = tried.refused;
  const conflicts = (details.causes ?? []).filter(({ reason }) => reason === 'FieldManagerConflict');
  if (conflicts.length > 0) {
    const managers = conflicts.map((cause) => /^conflict with "([^"]*)"/.exec(cause.message ?? '')?.[1]);
    return changing(
      conflicts.map(({ field = '' }) => field),
      managers,
    );
  }
  // who may not patch it (or where a webhook knows no dry run) compares what the manifest says with what is there
  if (status === 403 || status === 400) {
    return changing(differing(wanted, present, Object.keys), managersOf(present));
  }
  return { is: 'in the way', why: `it would have to change: ${message}` };
}

function changing(fields: readonly string[], managers: readonly (string | undefined)[]): Standing {
  if (fields.length === 0) return { is: 'as wanted' };
  const more = fields.length > shown ? ` and ${fields.length - shown} more` : '';
  const who = [...new Set(managers.filter((each) => each !== undefined))].join(', ');
  const whose = who === '' ? '' : ` (managed by ${who})`;
  return { is: 'in the way', why: `it would change ${fields.slice(0, shown).join(', ')}${more}${whose}` };
}

const versionOf = ({ metadata }: KubernetesObject): string | undefined => metadata.resourceVersion;

function managersOf({ metadata }: KubernetesObject): string[] {
  return (metadata.managedFields ?? []).flatMap(({ manager }) => manager ?? []);
}

function withoutBookkeeping(object: KubernetesObject): unknown {
  const metadata = Object.entries(object.metadata).filter(([key]) => !bookkeeping.includes(key));
  return { ...object, metadata: Object.fromEntries(metadata) };
}

/** The fields in which two differ, as `.spec.replicas`. @param keysOf - of two objects; default: those of both */
function differing(
  one: unknown,
  other: unknown,
  keysOf: (one: object, other: object) => string[] = (a, b) => Object.keys({ ...a, ...b }),
  path = '',
): string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return [path];
  if (Array.isArray(one) && one.length !== (other as unknown as unknown[]).length) return [path];
  return keysOf(one, other).flatMap((key) =>
    differing(one[key], other[key], keysOf, Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
