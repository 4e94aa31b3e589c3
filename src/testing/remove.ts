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
import { describeTarget, locate, type Located, pathOf, type Selection, type Target } from './target.js';
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
 * there is passed over.
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
    located.push(found);
    await removeAll(found, options.gracePeriod);
  }
  if (options.wait === false) return;
  for (const each of located) {
    const { kind, apiVersion, name, namespace, selector, uid } = each;
    const target =
      name === undefined
        ? ({ kind, apiVersion, namespace, selector } as Selection)
        : { kind, apiVersion, metadata: { name, namespace, uid } };
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

async function removeAll(found: Located, gracePeriodSeconds: number | undefined): Promise<void> {
  const { api } = cluster();
  const { uid, name, collection, selector } = found;
  const body = {
    ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds },
    preconditions: uid && { uid },
  };
  const path =
    name === undefined ? `${collection}?labelSelector=${encodeURIComponent(selector ?? '')}` : pathOf(found);
  try {
    await unless(isGone, api.request<KubernetesObject>(path, { method: 'DELETE', body }));
  } catch (error) {
    // another one has its name by now
    if (!(error instanceof ApiError && error.status === 409 && uid !== undefined)) throw error;
  }
}
