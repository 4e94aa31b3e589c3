import type { Progress } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import type { Api } from './client.js';
import { type Kinds, NotServed } from './kinds.js';
import type { ManifestObject } from './manifests/index.js';
import { describeObject, type KubernetesObject } from './objects.js';
import { NotYet, patienceWith } from './patience.js';
import { readiness } from './waiting/index.js';

const retryInterval = 250;

/** What others need comes first; those not named here come between the two; within one rank, as the files say. */
const first = [
  ['Namespace'],
  ['CustomResourceDefinition'],
  ['StorageClass', 'PriorityClass', 'IngressClass', 'RuntimeClass', 'ServiceAccount', 'ClusterRole', 'Role'],
  ['ClusterRoleBinding', 'RoleBinding', 'Secret', 'ConfigMap', 'PersistentVolume', 'PersistentVolumeClaim'],
  ['LimitRange', 'ResourceQuota', 'Service'],
];
const last = ['APIService', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

function rank({ kind }: KubernetesObject): number {
  if (last.includes(kind)) return first.length + 1;
  const index = first.findIndex((kinds) => kinds.includes(kind));
  return index === -1 ? first.length : index;
}

/** Namespaces and definitions: what another place's objects may need. */
const isForAll = (object: KubernetesObject): boolean => rank(object) < 2;

/**
 * The objects in the order in which they can be made: namespaces and definitions of all places first; then place by
 * place, the webhooks of one before the objects of the next, which they may be there for.
 */
export function inOrder<T extends Pick<ManifestObject, 'object' | 'place'>>(objects: readonly T[]): T[] {
  const turn = ({ object, place = 0 }: T): number => (isForAll(object) ? -1 : place);
  return [...objects].sort((a, b) => turn(a) - turn(b) || rank(a.object) - rank(b.object));
}

/** One request, tried again while it passes by itself. */
export type Persist = <T>(entry: ManifestObject, attempt: () => Promise<T>) => Promise<T>;

interface Persistence {
  signal: AbortSignal;
  progress: Progress;
  /** How long a kind that is not served may still come, in milliseconds: it may be made by what runs in the cluster. */
  lateKinds: number;
}

/** @throws JestKubernetesError MANIFEST_FAILED, with the object, its file and the API server's words */
export function persistently({ signal, progress, lateKinds }: Persistence): Persist {
  return async (entry, attempt) => {
    const start = performance.now();
    progress.waitingFor(`the API server to take ${describeObject(entry.object)} of ${entry.origin}`);
    for (;;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof JestKubernetesError) throw error;
        const patience = error instanceof NotServed && !error.isElsewhere ? lateKinds : patienceWith(error);
        if (performance.now() - start >= patience) throw failed(entry, error);
        progress.waitingFor(`${describeObject(entry.object)} of ${entry.origin}: ${messageOf(error)}`);
        await pause(retryInterval, signal);
      }
    }
  };
}

interface InOrder {
  signal: AbortSignal;
  progress: Progress;
  persist: Persist;
  /** @returns the object as it is then; undefined where it is left as it was */
  put: (entry: ManifestObject) => Promise<KubernetesObject | undefined>;
}

/**
 * Puts objects one after another, namespaces and definitions first; what comes after definitions waits until those are
 * established. Objects of a kind that is not there come last: what defines it may be started by one of the others.
 * @returns the objects as they are then, those left alone too, by what was given
 */
export async function putInOrder(
  { api, kinds }: { api: Api; kinds: Kinds },
  objects: readonly ManifestObject[],
  { signal, progress, persist, put }: InOrder,
): Promise<Map<ManifestObject, KubernetesObject | undefined>> {
  const done = new Map<ManifestObject, KubernetesObject | undefined>();
  const definitions: ManifestObject[] = [];
  const ofLateKinds: ManifestObject[] = [];
  for (const entry of inOrder(objects)) {
    const isDefinition = entry.object.kind === 'CustomResourceDefinition';
    if (!isDefinition && definitions.length > 0) await established(definitions.splice(0));
    if (await isNotServed(kinds, entry.object, signal)) ofLateKinds.push(entry);
    else await make(entry, isDefinition);
  }
  await established(definitions);
  for (const entry of ofLateKinds) await make(entry, false);
  return done;

  async function make(entry: ManifestObject, isDefinition: boolean): Promise<void> {
    const found = await put(entry);
    done.set(entry, found);
    if (isDefinition && found !== undefined) definitions.push(entry);
    progress.moved(`${done.size} of ${objects.length} objects, ${describeObject(entry.object)}`);
  }

  async function established(entries: readonly ManifestObject[]): Promise<void> {
    for (const entry of entries) {
      await persist(entry, async () => {
        const path = await kinds.pathOf(entry.object, signal);
        const verdict = readiness(await api.request<KubernetesObject>(path, { signal }));
        if (verdict.is !== 'met') throw new NotYet(verdict.is === 'never' ? verdict.why : verdict.lacks);
      });
      progress.moved(`${describeObject(entry.object)} is established`);
    }
  }
}

/** Whether a server that answers has no such kind at all; of what it does not answer `put` makes an error. */
async function isNotServed(kinds: Kinds, object: KubernetesObject, signal: AbortSignal): Promise<boolean> {
  try {
    await kinds.placeOf(object, signal);
    return false;
  } catch (error) {
    return error instanceof NotServed && !error.isElsewhere;
  }
}

function failed({ object, origin }: ManifestObject, error: unknown): JestKubernetesError {
  // in the message itself: a test of what is refused expects of it the words that say why
  const message = `${describeObject(object)} could not be applied: ${messageOf(error)}`;
  return new JestKubernetesError('MANIFEST_FAILED', message, {
    evidence: [`${origin}: ${object.apiVersion} ${object.kind}`],
    remedy: 'Correct the manifest; the words above are the API server’s own.',
    cause: error,
  });
}
