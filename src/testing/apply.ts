import type { KubernetesObject as ClientObject } from '@kubernetes/client-node';

import {
  apply as applyOne,
  describeObject,
  hold,
  holderName,
  type KubernetesObject,
  letGo,
  type ManifestObject,
  persistently,
  putInOrder,
} from '../kubernetes/index.js';
import { silent } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { cluster } from './cluster.js';
import { withDates } from './dates.js';
import { marks, namespace as testNamespace, setUp } from './namespace.js';
import { type Patch, patched } from './patch.js';
import { type Limits, Patience } from './patience.js';
import type { Scope } from './scope.js';
import { objectsOf, type Source } from './sources.js';
import { currentScope, fileScope, isOwnNamespace } from './test-file.js';
import type { AnyObject, ObjectOf } from './typed.js';

export interface ApplyOptions extends Limits {
  /** Of objects that name none. Default: the test's own. */
  namespace?: string;
  /** Changes text before it is read: of files and kustomize folders too. */
  text?: (text: string) => string;
  /** Changes each object before it is applied. */
  patch?: Patch;
}

/** The objects that something applied comes to: of an object its own type, of text and files what they hold. */
export type Applied<S> = S extends readonly unknown[]
  ? S extends readonly ClientObject[]
    ? { -readonly [Index in keyof S]: ObjectOf<S[Index]> }
    : AnyObject[]
  : S extends string | { kustomize: string }
    ? AnyObject[]
    : [ObjectOf<S>];

/** How long a kind that is not served may still come, in milliseconds: its definition may be a moment old. */
const lateKinds = 10_000;

const holders = new WeakMap<Scope, string>();

/** In which name this test file applies what others may apply too. */
function holder(): string {
  const scope = fileScope();
  const name = holders.get(scope) ?? holderName();
  holders.set(scope, name);
  return name;
}

/**
 * Applies objects by server-side apply, those that name no namespace into the test's own: definitions first, which are
 * waited for before their resources. What goes into the test's namespace goes with it; anything else at the end of the
 * file, unless another test file holds it too, and what was there before stays.
 *
 * @param source - YAML or JSON as text; the path of a file, folder or glob (`./x` is beside the test file, `k8s/x` there or
 *   in a folder above it); `{ kustomize: folder }`; an object; or a list of any of them
 * @returns the objects as the server has them then, in the order of the source
 * @example
 * const [web] = await apply('k8s/web.yaml', { patch: (object) => { object.spec.replicas = 1; } });
 * const [config] = await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } });
 * @throws JestKubernetesError MANIFEST_INVALID, with file and line; MANIFEST_FAILED, with the server's words;
 *   MANIFEST_CONFLICT where something outside of the test's namespaces would be changed that others have set, or, in an
 *   existing cluster, have made
 */
export async function apply<const S extends Source | readonly Source[]>(
  source: S,
  options: ApplyOptions = {},
): Promise<Applied<S>> {
  using patience = new Patience(options);
  const { signal } = patience;
  const sources = (Array.isArray(source) ? source : [source]) as readonly Source[];
  const read = await Promise.all(sources.map((each) => objectsOf(each, { text: options.text, signal })));
  const entries = read.flatMap((objects, place) =>
    objects.map((entry) => ({ ...entry, place, object: patched(entry.object, options.patch) })),
  );
  const { api, kinds } = cluster();
  // what it waits for is the last thing that it says
  let awaited = '';
  const progress = { ...silent, waitingFor: (what: string) => (awaited = what) };
  const persist = persistently({ signal, progress, lateKinds });
  const put = async (entry: ManifestObject): Promise<KubernetesObject> => {
    const located = await persist(entry, async () => placed(entry.object, options.namespace));
    return persist(entry, () => putOne(located, signal));
  };
  try {
    const done = await putInOrder({ api, kinds }, entries, { signal, progress, persist, put });
    return entries.map((entry) => withDates(done.get(entry) ?? entry.object)) as Applied<S>;
  } catch (error) {
    if (!patience.isOver || !signal.aborted) throw error;
    throw new JestKubernetesError('WAIT_FAILED', `not all was applied after ${patience.passed}`, {
      evidence: [`it was waiting for ${awaited}`, ...patience.reasons],
    });
  }
}

/** The object with its namespace, where its kind has one. */
async function placed(object: KubernetesObject, namespace: string | undefined): Promise<KubernetesObject> {
  const { kinds } = cluster();
  const { namespaced } = await kinds.of(object.apiVersion, object.kind);
  const { namespace: own, ...metadata } = object.metadata;
  if (!namespaced) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, namespace: own ?? namespace ?? (await testNamespace()) } };
}

async function putOne(object: KubernetesObject, signal: AbortSignal): Promise<KubernetesObject> {
  const { api, kinds } = cluster();
  const { apiVersion, kind, metadata } = object;
  const { namespace, name } = metadata;
  currentScope().traces.push({ apiVersion, kind, namespace, name });
  if (isOwnNamespace(namespace)) return applyOne(api, kinds, object, { signal });
  const manager = holder();
  const held = await hold(api, kinds, object, { manager, labels: marks(), owner: setUp(), signal });
  if (held.is === 'in the way') {
    throw new JestKubernetesError(
      'MANIFEST_CONFLICT',
      `${describeObject(object)} is outside of the test’s namespaces, and not the test’s to change`,
      {
        evidence: [held.why],
        remedy:
          'Apply the same in all test files, give it a name of its own, or put it into the run’s manifests.',
      },
    );
  }
  if (held.is === 'held') {
    const path = await kinds.pathOf(held.object, signal);
    fileScope().atEnd(() => letGo(api, path, manager, held.object.metadata.uid));
  }
  return held.object;
}
