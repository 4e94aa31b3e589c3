import { type Progress, silent } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import type { ClusterAccess } from './access.js';
import { ApiError, isGone, isHidden, unless } from './api-error.js';
import { type Api, openApi } from './client.js';
import { describeObject, type KubernetesObject } from './objects.js';
import { ownerLabel, ownerOf } from './owner.js';

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
}

/** How long a pod may take to end by itself, in seconds; Kubernetes gives it 30, which a shell as its init uses up. */
const grace = 1;

/** How long what was deleted may take to be gone, in milliseconds; a namespace with a few pods takes some ten seconds. */
const removalLimit = 120_000;

/** How long an operator may take to let its resources go, in milliseconds, before it goes itself. */
const operatorLimit = 30_000;

interface RemoveOptions {
  signal?: AbortSignal;
  progress?: Progress;
  /** In milliseconds. Default: 2 minutes. */
  limit?: number;
}

/**
 * Deletes all objects of a cluster that carry an owner's mark, whoever made them, and waits until they are gone. Each is
 * deleted as it was seen with its mark: one that was changed meanwhile is looked at again, one that was made anew by
 * somebody else stays. What cannot be deleted does not keep the rest from it.
 *
 * Custom resources go first, while the operator that has to let them go may still be there; then the namespaces with
 * their pods, in which nothing is made any more, so that no controller makes a pod anew, or ends it in its own time.
 * @param id - the owner's
 * @returns what was deleted, in words
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED, with what is still there and the commands that delete it
 */
export async function deleteOwned(
  access: ClusterAccess,
  id: string,
  { signal, progress = silent, limit = removalLimit }: RemoveOptions = {},
): Promise<string[]> {
  if (id === '') throw unknownOwner(access);
  const started = performance.now();
  using api = openApi(access);
  const kinds = await ownableKinds(api, signal);
  const objects = (await Promise.all(kinds.map((kind) => listOwned(api, id, kind, signal)))).flat();
  const within = (milliseconds: number): GoneOptions => ({
    signal,
    progress,
    deadline: started + Math.min(milliseconds, limit),
  });

  const [resources, others] = split(objects, ({ object }) => isCustom(object));
  const refused: Left[] = [];
  const removed = async (all: readonly Removed[]): Promise<Removed[]> => {
    const outcomes = await removeAll(api, all, signal);
    refused.push(...outcomes.refused);
    return outcomes.removed;
  };
  const held = await gone(api, await removed(resources), within(operatorLimit));
  const [namespaces, rest] = split(others, ({ object }) => object.kind === 'Namespace');
  const left = await gone(api, [...held, ...(await removed([...namespaces, ...rest]))], within(limit));

  // of a namespace that goes, what could not be deleted by itself goes with it
  const remains = [...left, ...(await gone(api, refused, within(0)))];
  if (remains.length > 0) throw notGone(access, remains);
  return objects.map(({ object }) => describeObject(object));
}

/** How often one that others change is looked at again. */
const looks = 10;

async function removeAll(
  api: Api,
  objects: readonly Removed[],
  signal: AbortSignal | undefined,
): Promise<{ removed: Removed[]; refused: Left[] }> {
  const removed: Removed[] = [];
  const refused: Left[] = [];
  for (const each of objects) {
    try {
      if (await remove(api, each, signal)) removed.push(each);
    } catch (error) {
      signal?.throwIfAborted();
      refused.push({ ...each, state: each.object, refusal: messageOf(error) });
    }
  }
  return { removed, refused };
}

/** @returns whether it is on its way, or gone; not where it is not the owner's any more */
async function remove(
  api: Api,
  { path, object }: Removed,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const options = { propagationPolicy: 'Background', gracePeriodSeconds: grace };
  for (let seen: KubernetesObject | undefined = object, look = 0; ; look += 1) {
    const { uid, resourceVersion } = seen.metadata;
    const body = { ...options, preconditions: { uid, resourceVersion } };
    try {
      await unless(isGone, api.request(path, { method: 'DELETE', body, signal }));
      break;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409) || look === looks) throw error;
    }
    seen = await unless(isGone, api.request<KubernetesObject>(path, { signal }));
    if (seen === undefined) return true;
    if (seen.metadata.uid !== object.metadata.uid || ownerOf(seen) !== ownerOf(object)) return false;
    // a namespace that is on its way changes as it goes
    if (seen.metadata.deletionTimestamp !== undefined) break;
  }
  if (object.kind === 'Namespace')
    await unless(isHidden, api.request(`${path}/pods`, { method: 'DELETE', body: options, signal }));
  return true;
}

function split<T>(all: readonly T[], isFirst: (each: T) => boolean): [first: T[], others: T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))];
}

/** Of a group that is not Kubernetes' own. */
function isCustom({ apiVersion }: KubernetesObject): boolean {
  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
  return group.includes('.') && !group.endsWith('.k8s.io');
}

async function listOwned(
  api: Api,
  id: string,
  { base, apiVersion, kind, resource, namespaced }: OwnableKind,
  signal: AbortSignal | undefined,
): Promise<Removed[]> {
  const selector = `labelSelector=${encodeURIComponent(`${ownerLabel}=${id}`)}`;
  const list = (scope: string): Promise<{ items: KubernetesObject[] } | undefined> =>
    unless(isHidden, api.request(`${base}${scope}/${resource}?${selector}`, { signal }));
  // a user of one namespace alone sees what is in it
  const found = (await list('')) ?? (namespaced ? await list(`/namespaces/${api.namespace}`) : undefined);
  return (found?.items ?? []).filter(isMadeByItself).map((item) => {
    const { namespace, name } = item.metadata;
    const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
    return { path: `${base}${scope}/${resource}/${name}`, resource, object: { ...item, apiVersion, kind } };
  });
}

/** What a controller makes goes with what it made it for. */
const isMadeByItself = ({
  metadata,
}: {
  metadata: { ownerReferences?: { controller?: boolean }[] };
}): boolean => metadata.ownerReferences?.some(({ controller }) => controller === true) !== true;

interface Removed {
  path: string;
  resource: string;
  object: KubernetesObject;
}

/** What is still there, as the API server gives it now. */
interface Left extends Removed {
  state: Terminating;
  /** Why it could not even be asked to go. */
  refusal?: string;
}

interface GoneOptions {
  signal: AbortSignal | undefined;
  progress: Progress;
  deadline: number;
}

/** Waits until objects that were deleted are gone. @returns those that are left at the deadline */
async function gone<T extends Removed>(
  api: Api,
  removed: readonly T[],
  { signal, progress, deadline }: GoneOptions,
): Promise<(T & Left)[]> {
  let waiting = removed;
  for (;;) {
    const states = await Promise.all(
      waiting.map(async (each) => {
        const state = await unless(isGone, api.request<Terminating>(each.path, { signal }));
        // one of another uid was made since, by somebody else
        const isGoneNow = state === undefined || state.metadata.uid !== each.object.metadata.uid;
        return isGoneNow ? [] : [{ ...each, state }];
      }),
    );
    const left = states.flat();
    if (left.length === 0 || performance.now() > deadline) return left;
    waiting = left;
    progress.waitingFor(`${left.map(({ object }) => describeObject(object)).join(', ')} to be gone`);
    await pause(250, signal);
  }
}

function notGone({ name, context }: ClusterAccess, left: readonly Left[]): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `What was set up in the cluster ${name} is not all gone`,
    {
      evidence: left.map(
        ({ object, state, refusal }) =>
          `left: ${describeObject(object)}${refusal === undefined ? reasons(state) : `: ${refusal}`}`,
      ),
      remedy: left
        .map(({ resource, object: { metadata } }) => {
          const namespace = metadata.namespace === undefined ? '' : ` --namespace ${metadata.namespace}`;
          return `kubectl --context ${context}${namespace} delete ${resource} ${metadata.name}`;
        })
        .join('; '),
    },
  );
}

function unknownOwner({ name, context }: ClusterAccess): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `What was set up as ${name} cannot be told from what others have set up: its state was lost`,
    {
      evidence: [`what it made carries the label ${ownerLabel}, whose value is not known any more`],
      remedy: `Look for it: kubectl --context ${context} get namespaces --show-labels --selector ${ownerLabel}`,
    },
  );
}

interface Terminating {
  metadata: { uid?: string; finalizers?: string[] };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

/** Why it is still there, as far as it says so itself. */
function reasons({ metadata: { finalizers = [] }, status }: Terminating): string {
  const told = (status?.conditions ?? [])
    .filter((each) => each.status === 'True')
    .map(({ message = '' }) => message);
  const held = finalizers.length > 0 ? `finalizers ${finalizers.join(', ')}` : '';
  const all = [held, ...told].filter((words) => words !== '');
  return all.length === 0 ? '' : ` (${all.join('; ')})`;
}

interface OwnableKind {
  base: string;
  apiVersion: string;
  kind: string;
  resource: string;
  namespaced: boolean;
}

/** What carries a Service's labels, and goes with it. */
const copies = new Set(['Endpoints', 'EndpointSlice']);

/** All kinds that can be listed and deleted, each at its preferred version. */
async function ownableKinds(api: Api, signal?: AbortSignal): Promise<OwnableKind[]> {
  const { groups } = await api.request<{ groups: { preferredVersion: { groupVersion: string } }[] }>(
    '/apis',
    {
      signal,
    },
  );
  const versions = ['v1', ...groups.map((group) => group.preferredVersion.groupVersion)];
  const lists = await Promise.all(
    versions.map(async (apiVersion) => {
      const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
      const answer = await unless(isDown, api.request<{ resources: Resource[] }>(base, { signal }));
      return (answer?.resources ?? [])
        .filter(
          ({ name, kind, verbs }) =>
            !name.includes('/') && !copies.has(kind) && verbs.includes('list') && verbs.includes('delete'),
        )
        .map(({ name, kind, namespaced }) => ({ base, apiVersion, kind, resource: name, namespaced }));
    }),
  );
  return lists.flat();
}

/** An aggregated API whose server is down must not hold up the clean-up. */
const isDown = (status: number): boolean => status === 404 || status >= 500;
