import { type Progress, silent } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { quoted } from '../support/shell.js';
import type { ClusterAccess } from './access.js';
import { ApiError, isGone, isHidden, unless } from './api-error.js';
import { type Api, openApi } from './client.js';
import { listMarked, type Marked } from './list-marked.js';
import { describeObject, groupOf, isCustom, type KubernetesObject } from './objects.js';
import { clusterLabel, isOwnedBy, type Owner, ownerLabel } from './owner.js';

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
 * Deletes all objects that carry the owner's mark, whoever made them, and waits until they are gone. Each is deleted as
 * it was when its mark was read: one that has changed meanwhile is read again, and left alone if it is not the owner's.
 * Custom resources go first, while the operator that has to let them go may still be there; then the namespaces with
 * their pods, in which nothing is made any more, so that no controller makes a pod anew, or ends it in its own time.
 * What cannot be deleted does not keep the rest.
 * @returns what was deleted, in words
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED, with what is still there and the commands that delete it; and where
 *   the owner's id is not known any more, but something of that name is there
 */
export async function deleteOwned(
  access: ClusterAccess,
  owner: Owner,
  { signal, progress = silent, limit = removalLimit }: RemoveOptions = {},
): Promise<string[]> {
  const deadline = performance.now() + limit;
  using api = openApi(access);
  if (owner.id === '') {
    const objects = await listMarked(api, `${clusterLabel}=${owner.cluster}`, { signal });
    if (objects.length > 0) throw nobodyKnows(access, owner, api.namespace, objects);
    return [];
  }
  const deleted: string[] = [];
  const services = new Set<string>();
  for (;;) {
    const objects = await listMarked(api, `${ownerLabel}=${owner.id}`, { signal, services });
    const removal = new Removal(api, owner, { signal, progress, deadline });
    const left = await removal.of(objects);
    if (left.length > 0) throw notGone(access, left);
    deleted.push(...objects.map(({ object }) => describeObject(object)));
    // a controller, or a worker that is being ended, may have made one more meanwhile
    if (objects.length === 0) return deleted;
    if (performance.now() > deadline) {
      throw notGone(
        access,
        objects.map((each) => ({ ...each, why: 'it is made again and again' })),
      );
    }
  }
}

interface Steps {
  signal: AbortSignal | undefined;
  progress: Progress;
  deadline: number;
}

/** One round of a removal. */
class Removal {
  readonly #api: Api;
  readonly #owner: Owner;
  readonly #steps: Steps;
  /** What the API server refused to delete. */
  readonly #refused: Left[] = [];

  constructor(api: Api, owner: Owner, steps: Steps) {
    this.#api = api;
    this.#owner = owner;
    this.#steps = steps;
  }

  /** @returns those that are still there at the deadline, or could not be deleted */
  async of(objects: readonly Marked[]): Promise<Left[]> {
    const { deadline } = this.#steps;
    const [resources, others] = split(objects, ({ object }) => isCustom(object));
    const operators = Math.min(deadline, performance.now() + operatorLimit);
    const held = await this.#gone(await this.#removeAll(resources), operators);
    const [namespaces, rest] = split(others, ({ object }) => object.kind === 'Namespace');
    const removed = await this.#removeAll([...namespaces, ...rest]);
    const left = await this.#gone([...held, ...removed], deadline);
    // some went with their namespace
    const refused = await Promise.all(
      this.#refused.map(async (each) => ((await this.#read(each)) === undefined ? [] : [each])),
    );
    return [...left, ...refused.flat()];
  }

  async #removeAll(objects: readonly Marked[]): Promise<Marked[]> {
    const removed: Marked[] = [];
    for (const each of objects) {
      const isNamespace = each.object.kind === 'Namespace';
      // read before the namespace is deleted as the owner's: so these, by their uids, were in that very one
      const pods = isNamespace ? await this.#podsOf(each) : [];
      if (!(await this.#remove(each))) continue;
      removed.push(each);
      // a pod that cannot be ended sooner goes with its namespace, in its own time
      await Promise.all(pods.map((pod) => this.#delete(pod).catch(() => undefined)));
    }
    return removed;
  }

  /** @returns whether it is on its way, or was gone */
  async #remove(each: Marked): Promise<boolean> {
    let object: KubernetesObject = each.object;
    for (;;) {
      try {
        await unless(isGone, this.#delete({ ...each, object }));
        return true;
      } catch (error) {
        this.#steps.signal?.throwIfAborted();
        const now = isConflict(error) ? await this.#read({ ...each, object }) : object;
        if (now === undefined) return false; // another has its name by now, or it was given to somebody else
        if (now.metadata.deletionTimestamp !== undefined) return true;
        const isChanged = now.metadata.resourceVersion !== object.metadata.resourceVersion;
        if (!isChanged || performance.now() > this.#steps.deadline) {
          this.#refused.push({ ...each, why: whyNot(error, each) });
          return false;
        }
        object = now;
      }
    }
  }

  /** Deletes an object as it was read. */
  #delete({ path, object: { metadata } }: Marked): Promise<unknown> {
    const { uid, resourceVersion } = metadata;
    return this.#api.request(path, {
      method: 'DELETE',
      body: {
        ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
        ...{ propagationPolicy: 'Background', gracePeriodSeconds: grace },
      },
      signal: this.#steps.signal,
    });
  }

  /** As it is now; undefined where it is gone, or not the owner's any more. */
  async #read({ path, object }: Marked): Promise<KubernetesObject | undefined> {
    const { signal } = this.#steps;
    // who sees no namespaces but those that they are given sees none that is gone
    const now = await unless(isHidden, this.#api.request<KubernetesObject>(path, { signal }));
    if (now === undefined || now.metadata.uid !== object.metadata.uid) return undefined;
    return isOwnedBy(now, this.#owner) ? now : undefined;
  }

  async #podsOf({ path }: Marked): Promise<Marked[]> {
    const { signal } = this.#steps;
    const list = this.#api.request<{ items: KubernetesObject[] }>(`${path}/pods`, { signal });
    return ((await unless(isHidden, list))?.items ?? []).map((object) => ({
      ...{ path: `${path}/pods/${object.metadata.name}`, resource: 'pods' },
      // a pod's status changes all the time: its uid is enough
      object: { ...object, metadata: { ...object.metadata, resourceVersion: undefined } },
    }));
  }

  /** Waits until objects that were deleted are gone. @returns those that are left at the deadline */
  async #gone(removed: readonly Marked[], deadline: number): Promise<Left[]> {
    const { signal, progress } = this.#steps;
    let waiting = removed;
    for (;;) {
      const states = await Promise.all(
        waiting.map(async (each) => {
          const now = await this.#read(each);
          return now === undefined ? [] : [{ ...each, why: reasons(now) }];
        }),
      );
      const left = states.flat();
      if (left.length === 0 || performance.now() > deadline) return left;
      waiting = left;
      progress.waitingFor(`${left.map(({ object }) => describeObject(object)).join(', ')} to be gone`);
      await pause(250, signal);
    }
  }
}

const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;

function split<T>(all: readonly T[], isFirst: (each: T) => boolean): [first: T[], others: T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))];
}

/** What is still there, and why, as far as that is known; for a reader. */
interface Left extends Marked {
  why: string;
}

function notGone({ name, context }: ClusterAccess, left: readonly Left[]): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `What was set up in the cluster ${name} is not all gone`,
    {
      evidence: left.map(
        ({ object, why }) => `left: ${describeObject(object)}${why === '' ? '' : ` (${why})`}`,
      ),
      remedy: left
        .map(({ resource, object: { metadata } }) => {
          const namespace = metadata.namespace === undefined ? '' : ` --namespace ${metadata.namespace}`;
          return `kubectl --context ${quoted(context)}${namespace} delete ${resource} ${metadata.name}`;
        })
        .join('; '),
    },
  );
}

/** Its state was lost, so that nobody can tell whether it made them or another of its name. */
function nobodyKnows(
  { context }: ClusterAccess,
  { cluster }: Owner,
  namespace: string,
  objects: readonly Marked[],
): JestKubernetesError {
  const kubectl = `kubectl --context ${quoted(context)}`;
  const kinds = [...new Set(objects.map(({ resource }) => resource))].join(',');
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `The record of what ${cluster} has set up in the cluster is lost, and nothing is deleted by guess`,
    {
      evidence: objects.map(
        ({ object }) =>
          `there: ${describeObject(object)} (${ownerLabel}=${object.metadata.labels?.[ownerLabel] ?? ''})`,
      ),
      remedy: `Look with: ${kubectl} get ${kinds} --all-namespaces --selector ${clusterLabel}=${cluster} --label-columns ${ownerLabel}; delete what nobody uses, and the record: ${kubectl} --namespace ${namespace} delete lease jest-kubernetes.${cluster}`,
    },
  );
}

/** Why the API server did not delete it; of a right that is missing, which. */
function whyNot(error: unknown, { resource, object }: Marked): string {
  const { metadata } = object;
  if (!(error instanceof ApiError && error.status === 403)) return messageOf(error);
  const group = groupOf(object) === '' ? '' : `.${groupOf(object)}`;
  const where = metadata.namespace === undefined ? '' : ` in the namespace ${metadata.namespace}`;
  return `it takes the right to delete ${resource}${group}${where}: ${error.message}`;
}

/** Why it is still there, as far as it says so itself. */
function reasons({ metadata: { finalizers = [] }, status }: KubernetesObject): string {
  const { conditions = [] } = (status ?? {}) as { conditions?: { status: string; message?: string }[] };
  const told = conditions.filter((each) => each.status === 'True').map(({ message = '' }) => message);
  const held = finalizers.length > 0 ? `finalizers ${finalizers.join(', ')}` : '';
  return [held, ...told].filter((words) => words !== '').join('; ');
}
