import {
  ApiError,
  inOrder,
  isGone,
  type KubernetesObject,
  type ManifestObject,
  unless,
} from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { cluster } from './cluster.js';
import { deleted } from './conditions.js';
import type { Limits } from './patience.js';
import { objectsOf, type Source } from './sources.js';
import { describeTarget, locate, type Located, pathOf, type Target } from './target.js';
import { waitFor } from './wait-for.js';

export interface RemoveOptions extends Limits {
  /** Of what names none. Default: the test's own. */
  namespace?: string;
  /** Whether it is waited until they are gone. Default: true. */
  wait?: boolean;
  /** How long pods may take to end by themselves, in seconds. Default: what they say. */
  gracePeriod?: number;
}

/** `deployment/web`, and not `k8s/web.yaml`. */
const isReference = (text: string): boolean =>
  /^[a-z][a-z0-9.-]*\/[a-z0-9]([a-z0-9.:-]*[a-z0-9])?$/i.test(text) && !/\.(ya?ml|json)$/i.test(text);

/**
 * Takes objects away, in the reverse of the order in which they are applied, and waits until they are gone; what is not
 * there is passed over. Of a selection those go that are there when it is called.
 *
 * @param what - what `apply` takes, what it gave back, or names such as `deployment/web`, or a list of any of them
 * @example
 * await remove('deployment/web');
 * await remove('k8s/web.yaml');
 * @throws JestKubernetesError WAIT_FAILED where something is still there, with what holds it; TARGET_INVALID
 */
export async function remove(
  what: Target | Source | readonly (Target | Source)[],
  options: RemoveOptions = {},
): Promise<void> {
  const list = (Array.isArray(what) ? what : [what]) as readonly (Target | Source)[];
  const targets = (await Promise.all(list.map((each) => targetsOf(each)))).flat();
  const located: Located[] = [];
  for (const { target } of inOrder(targets).reverse()) {
    const found = await locate(target, options);
    if (found.name === undefined && found.selector === undefined)
      throw new JestKubernetesError('TARGET_INVALID', `${describeTarget(found)} would all be removed`, {
        remedy: 'Name one, or give a selector.',
      });
    for (const each of await thereNow(found)) {
      const uid = await removeOne(each, options.gracePeriod);
      if (uid !== undefined) located.push({ ...each, uid });
    }
  }
  if (options.wait === false) return;
  for (const { kind, apiVersion, name, namespace, uid } of located) {
    const target = { kind, apiVersion, metadata: { name, namespace, uid } };
    await waitFor(target as Target, deleted, options);
  }
}

interface Entry extends Pick<ManifestObject, 'object'> {
  target: Target;
}

async function targetsOf(what: Target | Source): Promise<Entry[]> {
  const isSource = typeof what === 'string' ? !isReference(what) : 'kustomize' in what;
  if (isSource) return (await objectsOf(what, {})).map(({ object }) => ({ object, target: object }));
  const target = what as Target;
  // of a mere name only the kind counts for the order
  const [kind = ''] = typeof target === 'string' ? target.split('/') : [target.kind];
  return [{ object: { apiVersion: '', kind, metadata: { name: '' } }, target }];
}

/** Of a selection each that is there now: what a controller makes in their place meanwhile is not meant. */
async function thereNow(found: Located): Promise<Located[]> {
  const { name, collection, selector = '' } = found;
  if (name !== undefined) return [found];
  const path = `${collection}?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await cluster().api.request<{ items: KubernetesObject[] }>(path);
  return items.map(({ metadata: { name, uid } }) => ({ ...found, name, uid, selector: undefined }));
}

/** Of an object that goes at once the server has a status left, else the object itself. */
interface Removed {
  metadata?: { uid?: string };
  details?: { uid?: string };
}

/** @returns the uid of what goes: one that is made in its place at once is another; undefined where it is gone */
async function removeOne(
  found: Located,
  gracePeriodSeconds: number | undefined,
): Promise<string | undefined> {
  const { api } = cluster();
  const { uid } = found;
  const body = {
    ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds },
    preconditions: uid && { uid },
  };
  try {
    const removed = await unless(isGone, api.request<Removed>(pathOf(found), { method: 'DELETE', body }));
    return removed?.metadata?.uid ?? removed?.details?.uid;
  } catch (error) {
    // another one has its name by now
    if (error instanceof ApiError && error.status === 409 && uid !== undefined) return undefined;
    throw error;
  }
}
