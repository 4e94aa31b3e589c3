import { randomBytes } from 'node:crypto';

import { ApiError, isGone, unless } from './api-error.js';
import { apply } from './apply.js';
import type { Api } from './client.js';
import type { Kinds } from './kinds.js';
import type { KubernetesObject } from './objects.js';

/*
 * Objects that several hold at once, as test files that run side by side apply the same definition: each applies in a name
 * of its own, and the API server's own record of managers says who still has it. The last one takes it away; what was
 * there before the first stays, without what they have added.
 */

/** That tests have made it: an object without it was there before, and stays. */
const madeLabel = 'jest-kubernetes/made-by';
const madeByTests = 'tests';
const prefix = 'jest-kubernetes.';

/** A name in which one holder applies. */
export const holderName = (): string => `${prefix}${randomBytes(6).toString('hex')}`;

interface Hold {
  manager: string;
  /** For one that is made. */
  labels: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

/**
 * Applies an object in a holder's name, without taking a field from others.
 * @throws ApiError 409 where another manager has set a field to something else; NotYet, NotServed, ApiError
 */
export async function hold(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  { manager, labels, signal }: Hold,
): Promise<KubernetesObject> {
  const path = await kinds.pathOf(object, signal);
  const before = await unless(isGone, api.request<KubernetesObject>(path, { signal }));
  const isMade = before === undefined || before.metadata.labels?.[madeLabel] === madeByTests;
  const mine = { ...labels, [madeLabel]: madeByTests };
  const marked = isMade
    ? { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...mine } } }
    : object;
  return apply(api, kinds, marked, { manager, force: false, signal });
}

/**
 * Lets go of an object: it is deleted where tests have made it and no other holds it, else it loses what only this holder
 * has set.
 */
export async function letGo(api: Api, path: string, manager: string, uid: string | undefined): Promise<void> {
  for (;;) {
    const now = await unless(isGone, api.request<KubernetesObject>(path));
    if (now === undefined || now.metadata.uid !== uid) return;
    const { resourceVersion, labels, managedFields = [] } = now.metadata;
    const others = managedFields.some((each) => each.manager?.startsWith(prefix) && each.manager !== manager);
    const isLast = labels?.[madeLabel] === madeByTests && !others;
    try {
      if (isLast) {
        const body = {
          ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
          propagationPolicy: 'Background',
        };
        await unless(isGone, api.request(path, { method: 'DELETE', body }));
      } else await release(api, path, manager, now);
      return;
    } catch (error) {
      // somebody has changed it meanwhile: it is looked at again
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
    }
  }
}

/** An application of nothing takes back all that this manager alone has set. */
async function release(api: Api, path: string, manager: string, now: KubernetesObject): Promise<void> {
  const { apiVersion, kind } = now;
  const { name, namespace, resourceVersion } = now.metadata;
  await api.request(`${path}?fieldManager=${manager}&force=true`, {
    ...{ method: 'PATCH', contentType: 'application/apply-patch+yaml' },
    body: { apiVersion, kind, metadata: { name, namespace, resourceVersion } },
  });
}
