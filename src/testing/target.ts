import type { KubernetesObject as ClientObject } from '@kubernetes/client-node';

import { collectionOf, NotServed, selectorText, type ServedKind } from '../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { cluster } from './cluster.js';
import { namespace as testNamespace } from './namespace.js';
import type { Trace } from './scope.js';

/** All objects of a kind, or those that a label selector names. */
export interface Selection {
  /** `Pod`, `pods`, `po`, `certificates.cert-manager.io`. */
  kind: string;
  /** Default: the first that the server has. */
  apiVersion?: string;
  name?: string;
  /** Default: the test's own. */
  namespace?: string;
  /** `app=web,tier!=db`, or labels that must be equal. */
  selector?: string | Readonly<Record<string, string>>;
}

/**
 * What a word of the test API is about: `deployment/web` and `deployments.apps/web` (as kubectl takes them, in the test's
 * namespace), `pods` (all of a kind), an object, or a {@link Selection}.
 */
export type Target = string | Selection | ClientObject;

/** A target, found among what the server has. */
export interface Located extends ServedKind {
  /** Undefined for a kind that has none. */
  namespace: string | undefined;
  /** Undefined for all of them. */
  name: string | undefined;
  /** A label selector. */
  selector: string | undefined;
  /** The path of all objects of the kind, in that namespace. */
  collection: string;
  /** Of the very object that was given. */
  uid: string | undefined;
}

/** For a reader: `Deployment shop/web`, `Pods app=web of shop`. */
export function describeTarget({
  kind,
  namespace,
  name,
  selector,
}: Pick<Located, 'kind' | 'namespace' | 'name' | 'selector'>): string {
  if (name !== undefined) return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  return [`all ${kind} objects`, selector, namespace && `in ${namespace}`].filter(Boolean).join(' ');
}

/** What is kept of it, for a look at a red test. */
export const traceOf = ({ apiVersion, kind, namespace, name, selector }: Located): Trace => ({
  ...{ apiVersion, kind, namespace, name, selector },
});

/** The path of the one object that a target names. */
export function pathOf(located: Located): string {
  if (located.name === undefined) throw unusable(describeTarget(located), 'it names no single object');
  return `${located.collection}/${encodeURIComponent(located.name)}`;
}

const isObject = (target: Selection | ClientObject): target is ClientObject => 'metadata' in target;

/**
 * @param options.namespace - for one that names none itself; default: the test's own
 * @throws JestKubernetesError TARGET_INVALID where it names nothing that the server has
 */
export async function locate(
  target: Target,
  options: { namespace?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Located> {
  const wanted = typeof target === 'string' ? parse(target) : isObject(target) ? selectionOf(target) : target;
  if (typeof wanted.kind !== 'string' || wanted.kind === '')
    throw unusable(JSON.stringify(target), 'it has no kind');
  const served = await kindOf(wanted, options.signal);
  const { selector } = wanted;
  const namespace = served.namespaced
    ? (wanted.namespace ?? options.namespace ?? (await testNamespace()))
    : undefined;
  return {
    ...served,
    namespace,
    name: wanted.name,
    selector: typeof selector === 'object' ? selectorText({ matchLabels: selector }) : selector,
    collection: collectionOf(served, namespace),
    uid: typeof target === 'object' && isObject(target) ? target.metadata?.uid : undefined,
  };
}

function parse(text: string): Selection {
  const [kind = '', name, ...rest] = text.split('/');
  if (rest.length > 0 || name === '' || !/^[a-z][a-z0-9.-]*$/i.test(kind))
    throw unusable(`‘${text}’`, 'it is not of the form kind/name');
  return { kind, ...(name !== undefined && { name }) };
}

function selectionOf(object: ClientObject): Selection {
  const { apiVersion, kind, metadata } = object;
  if (kind === undefined || metadata?.name === undefined)
    throw unusable(
      `an object${metadata?.name === undefined ? '' : ` called ${metadata.name}`}`,
      kind === undefined
        ? 'it has no kind, as the items of a list have none: name it kind/name'
        : `a ${kind} without metadata.name`,
    );
  return {
    ...{ kind, name: metadata.name },
    ...(apiVersion !== undefined && { apiVersion }),
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
  };
}

async function kindOf({ kind, apiVersion }: Selection, signal: AbortSignal | undefined): Promise<ServedKind> {
  const { kinds } = cluster();
  try {
    return await (apiVersion === undefined ? kinds.named(kind, signal) : kinds.of(apiVersion, kind, signal));
  } catch (error) {
    if (!(error instanceof NotServed)) throw error;
    throw unusable(kind, messageOf(error), error);
  }
}

function unusable(what: string, why: string, cause?: unknown): JestKubernetesError {
  return new JestKubernetesError('TARGET_INVALID', `${what} names nothing in the cluster: ${why}`, {
    remedy: 'Name a kind and a name, such as deployment/web, a kind, such as pods, or an object.',
    cause,
  });
}
