import { randomBytes } from 'node:crypto';

import { ApiError, isGone, unless } from './api-error.js';
import { apply } from './apply.js';
import type { Api } from './client.js';
import type { Kinds } from './kinds.js';
import type { KubernetesObject } from './objects.js';
import { isOwnedBy, type Owner } from './owner.js';
import { standingOf } from './standing.js';

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
  /** The set-up, in a cluster that was there before; undefined in one of our own, where all is ours. */
  owner?: Owner | undefined;
  signal?: AbortSignal | undefined;
}

/** What holding an object came to; what is not held is as it was. */
export type Held =
  | { is: 'held' | 'as wanted'; object: KubernetesObject }
  /** Others have made it, or set it to something else. @param why - for a reader */
  | { is: 'in the way'; why: string };

/**
 * Applies an object in a holder's name, without taking a field from others. In a cluster that was there before, what the
 * set-up has not made is not written to: it is used where it is as wanted.
 * @throws NotYet, NotServed, ApiError
 */
export async function hold(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  { manager, labels, owner, signal }: Hold,
): Promise<Held> {
  const path = await kinds.pathOf(object, signal);
  for (;;) {
    const before = await unless(isGone, api.request<KubernetesObject>(path, { signal }));
    if (before !== undefined && owner !== undefined && !isOwnedBy(before, owner)) {
      const standing = await standingOf(api, path, object, { owner, signal });
      if (standing.is === 'as wanted') return { is: 'as wanted', object: before };
      if (standing.is === 'in the way') return standing;
      continue;
    }
    const mine = isMadeByTests(before) ? { ...labels, [madeLabel]: madeByTests } : {};
    const marked = { ...object.metadata, labels: { ...object.metadata.labels, ...mine } };
    try {
      const held = await apply(
        api,
        kinds,
        { ...object, metadata: marked },
        { manager, force: false, signal },
      );
      // where all is ours, it does not matter who was first
      if (owner === undefined || before !== undefined || heldByTests(held))
        return { is: 'held', object: held };
      // somebody else made it in between
      await whileThere(api, path, held.metadata.uid, (now) => release(api, path, manager, now));
    } catch (error) {
      if (!isTaken(error)) throw error;
      return { is: 'in the way', why: error.message };
    }
  }
}

const isMadeByTests = (before: KubernetesObject | undefined): boolean =>
  before === undefined || before.metadata.labels?.[madeLabel] === madeByTests;

/** Whether none but holders have written to it. */
const heldByTests = ({ metadata: { managedFields = [] } }: KubernetesObject): boolean =>
  managedFields.every(({ manager }) => manager?.startsWith(prefix) === true);

/** Whether another manager has set a field to something else. */
const isTaken = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  (error.details.causes ?? []).some(({ reason }) => reason === 'FieldManagerConflict');

/**
 * Lets go of an object: it is deleted where tests have made it and no other holds it, else it loses what only this holder
 * has set.
 */
export async function letGo(api: Api, path: string, manager: string, uid: string | undefined): Promise<void> {
  await whileThere(api, path, uid, async (now) => {
    const { resourceVersion, managedFields = [] } = now.metadata;
    const others = managedFields.some((each) => each.manager?.startsWith(prefix) && each.manager !== manager);
    if (others || !isMadeByTests(now)) {
      await release(api, path, manager, now);
      return;
    }
    const body = {
      ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
      propagationPolicy: 'Background',
    };
    await unless(isGone, api.request(path, { method: 'DELETE', body }));
  });
}

/** Does something to that very object, as it is then; where somebody changes it meanwhile, it is looked at again. */
async function whileThere(
  api: Api,
  path: string,
  uid: string | undefined,
  act: (now: KubernetesObject) => Promise<void>,
): Promise<void> {
  for (;;) {
    const now = await unless(isGone, api.request<KubernetesObject>(path));
    if (now === undefined || now.metadata.uid !== uid) return;
    try {
      await act(now);
      return;
    } catch (error) {
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
