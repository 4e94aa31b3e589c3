import type { CoreV1Event, V1OwnerReference } from '@kubernetes/client-node';

/** An object, or all of a kind that a label selector names. */
export interface ObjectReference {
  kind: string;
  /** Undefined for a kind that has none. */
  namespace: string | undefined;
  /** Undefined for all that `selector` names, and all of the kind where there is none. */
  name?: string | undefined;
  /** A label selector. */
  selector?: string | undefined;
}

/** What belongs to what has failed: what happens to anything else in the cluster is not its cause. */
export interface Scope {
  /** All that is in them belongs to it. Default: every namespace, or none where there are `objects`. */
  namespaces?: readonly string[] | undefined;
  /** Of those namespaces the pods with these labels alone: a label selector. */
  selector?: string | undefined;
  /** Objects of any namespace; what they own or select belongs to them. */
  objects?: readonly ObjectReference[] | undefined;
  /** Leaves out the namespaces that tests have made. Default: false. */
  withoutTests?: boolean | undefined;
  /** Whether a node's state may be the cause. Default: true. */
  nodes?: boolean | undefined;
}

/** What is read of any object here. */
export interface Owned {
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    ownerReferences?: V1OwnerReference[];
    creationTimestamp?: Date | string;
    deletionTimestamp?: Date | string;
  };
  spec?: object;
}

/** The namespaces that have to be looked into; undefined is all of them. */
export function namespacesOf({ namespaces, objects }: Scope): string[] | undefined {
  if (namespaces === undefined && objects === undefined) return undefined;
  const named = objects?.flatMap(({ namespace }) => namespace ?? []) ?? [];
  return [...new Set([...(namespaces ?? []), ...named])];
}

/** `a=b,c!=d,e,!f,g in (h,i)`, in what the API server's own selectors can say. */
function selects(selector: string, labels: Readonly<Record<string, string>> = {}): boolean {
  const requirements = selector.split(/,(?![^(]*\))/).map((each) => each.trim());
  return requirements.every((requirement) => {
    const set = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(requirement);
    if (set) {
      const [, key = '', word, values = ''] = set;
      const isIn = values.split(',').some((each) => each.trim() === labels[key]);
      return word === 'in' ? isIn : !isIn;
    }
    const [, key = '', operator, value = ''] = /^(!?[^=!\s]+)\s*(==|=|!=)?\s*(.*)$/.exec(requirement) ?? [];
    if (operator === undefined) return key.startsWith('!') ? !(key.slice(1) in labels) : key in labels;
    return operator === '!=' ? labels[key] !== value : labels[key] === value;
  });
}

const isNamed = (reference: ObjectReference, { kind, metadata }: Owned, namespace?: string): boolean =>
  reference.kind === kind &&
  reference.namespace === (metadata?.namespace ?? namespace) &&
  (reference.name === undefined || reference.name === metadata?.name) &&
  (reference.selector === undefined || selects(reference.selector, metadata?.labels));

/** A Service, or what else has a selector of labels. */
export interface OwnedService extends Owned {
  spec?: { selector?: Record<string, string> };
}

/** What a Service's selector asks of pods; empty where it has none. */
const selectorOf = ({ spec }: OwnedService): [string, string][] => Object.entries(spec?.selector ?? {});

/** Whether a Service selects a pod by its labels. */
function isBehind(service: OwnedService, { metadata }: Owned): boolean {
  const wanted = selectorOf(service);
  return wanted.length > 0 && wanted.every(([key, value]) => metadata?.labels?.[key] === value);
}

/** Those Services that have a selector, by which they select none of these pods. */
export const idleServices = (objects: readonly Owned[], pods: readonly Owned[]): OwnedService[] =>
  (objects as readonly OwnedService[]).filter(
    (each) =>
      each.kind === 'Service' &&
      selectorOf(each).length > 0 &&
      !pods.some((pod) => pod.metadata?.namespace === each.metadata?.namespace && isBehind(each, pod)),
  );

/**
 * Says of an object whether it belongs to a scope.
 * @param others - objects through which it may: those that own it or select it, such as a ReplicaSet or a Service
 */
export function belonging(scope: Scope, others: readonly Owned[] = []): (object: Owned) => boolean {
  const byUid = new Map(others.map((each) => [each.metadata?.uid ?? '', each]));
  const { namespaces, selector, objects = [] } = scope;
  const everywhere = namespaces === undefined && scope.objects === undefined;

  const isOf = (reference: ObjectReference, object: Owned, depth = 0): boolean => {
    const { metadata } = object;
    if (isNamed(reference, object)) return true;
    if (object.kind === 'Pod' && reference.kind === 'Service' && isSelectedBy(reference, object)) return true;
    return (metadata?.ownerReferences ?? []).some((owner) => {
      if (
        isNamed(
          { ...reference, selector: undefined },
          { kind: owner.kind, metadata: owner },
          metadata?.namespace,
        )
      )
        return (
          reference.selector === undefined ||
          selects(reference.selector, byUid.get(owner.uid)?.metadata?.labels)
        );
      const known = byUid.get(owner.uid);
      return known !== undefined && depth < 5 && isOf(reference, known, depth + 1);
    });
  };
  const isSelectedBy = (reference: ObjectReference, pod: Owned): boolean =>
    others.some((service) => isNamed(reference, service) && isBehind(service, pod));

  const isPicked = (pod: Owned): boolean => selector === undefined || selects(selector, pod.metadata?.labels);

  return (object) => {
    const namespace = object.metadata?.namespace ?? '';
    const isWithin = everywhere || (namespaces?.includes(namespace) ?? false);
    if (isWithin && (object.kind !== 'Pod' || isPicked(object))) return true;
    return objects.some((reference) => isOf(reference, object));
  };
}

/** The events of what belongs to a scope; of what is not there any more, by its namespace. */
export function eventsWithin(
  { selector }: Scope,
  events: readonly CoreV1Event[],
  seen: readonly Owned[],
  belongs: (object: Owned) => boolean,
): CoreV1Event[] {
  const byUid = new Map(seen.map((each) => [each.metadata?.uid, each]));
  return events.filter(({ involvedObject }) => {
    const known = byUid.get(involvedObject.uid);
    if (known !== undefined) return belongs(known);
    const { kind, ...metadata } = involvedObject;
    const isPicked = selector === undefined;
    return (kind !== 'Pod' || isPicked) && belongs({ ...(kind && { kind }), metadata });
  });
}
