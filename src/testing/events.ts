import { cluster } from './cluster.js';
import { namespace as testNamespace } from './namespace.js';
import { notThere, refusal } from './refusal.js';
import { describeTarget, locate, type Located, type Target, traceOf } from './target.js';
import { currentScope } from './test-file.js';

/** Something that happened to an object, as a controller, the scheduler or a kubelet tells it. */
export interface ObjectEvent {
  type: 'Normal' | 'Warning';
  /** One word for it, such as `FailedScheduling`. */
  reason: string;
  message: string;
  /** How often it has happened. */
  count: number;
  /** When it happened first, and last, by the cluster's clock. */
  first: Date;
  last: Date;
  /** Who tells it, such as `kubelet`. */
  by: string;
  object: { kind: string; name: string; namespace: string | undefined };
}

/** An Event of `v1`, in which old and new fields stand side by side. */
export interface Written {
  metadata: { creationTimestamp: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  series?: { count?: number; lastObservedTime?: string };
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  reportingComponent?: string;
  source?: { component?: string };
  involvedObject: { kind?: string; name?: string; namespace?: string; uid?: string };
}

/** How many are asked for at once. */
const pageSize = 500;

/**
 * The events of an object, or of all objects in the test's namespace; oldest first. The API server keeps them for an
 * hour.
 *
 * @param target - all of a kind (`pods`), too; default: whatever is in the namespace
 * @param options.namespace - default: the test's own
 * @example
 * const reasons = (await events('pod/web')).map(({ reason }) => reason); // ['Scheduled', 'Pulled', 'Created', 'Started']
 * @throws JestKubernetesError TARGET_INVALID where there neither is nor was such an object; FORBIDDEN; NO_CLUSTER
 */
export async function events(
  target?: Target,
  options: { namespace?: string | undefined } = {},
): Promise<ObjectEvent[]> {
  const scope = currentScope();
  const { signal } = scope;
  if (target === undefined) {
    const namespace = options.namespace ?? (await testNamespace());
    return sorted(await list(`the events of the namespace ${namespace}`, namespace, {}, signal));
  }
  const located = await locate(target, { ...options, signal });
  const { name, selector } = located;
  scope.traces.push(traceOf(located));
  const found = await eventsAbout(located, signal);
  if (found.length === 0 && name !== undefined) await requireThere(located, signal);
  return sorted(selector === undefined ? found : await ofSelected(found, located, signal));
}

/** What is written of a target, in no order; of one that is not there nothing. */
export function eventsAbout(located: Located, signal: AbortSignal): Promise<Written[]> {
  const { kind, namespace, name, uid } = located;
  const fields = {
    'involvedObject.kind': kind,
    ...(name !== undefined && { 'involvedObject.name': name }),
    ...(uid !== undefined && { 'involvedObject.uid': uid }),
  };
  // those of an object without a namespace are kept in this one
  return list(`the events of ${describeTarget(located)}`, namespace ?? 'default', fields, signal);
}

async function list(
  what: string,
  namespace: string,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Written[]> {
  const selector = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
  const found: Written[] = [];
  let next = '';
  do {
    const query = new URLSearchParams({
      limit: String(pageSize),
      continue: next,
      fieldSelector: selector.join(','),
    });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events?${query.toString()}`;
    const page = await ask<{ items: Written[]; metadata?: { continue?: string } }>(
      path,
      `read ${what}`,
      signal,
    );
    found.push(...page.items);
    next = page.metadata?.continue ?? '';
  } while (next !== '');
  return found;
}

async function ask<T>(path: string, doing: string, signal: AbortSignal): Promise<T> {
  try {
    return await cluster().api.request<T>(path, { signal });
  } catch (error) {
    throw refusal('TARGET_INVALID', doing, error);
  }
}

/** A misspelt name has no events either. */
async function requireThere(located: Located, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${located.name ?? ''}` });
  const { items } = await ask<{ items: unknown[] }>(
    `${located.collection}?${query.toString()}`,
    `read ${describeTarget(located)}`,
    signal,
  );
  if (items.length === 0) throw await notThere(cluster().api, located, signal);
}

async function ofSelected(found: Written[], located: Located, signal: AbortSignal): Promise<Written[]> {
  const query = new URLSearchParams({ labelSelector: located.selector ?? '' });
  const { items } = await ask<{ items: { metadata: { name: string } }[] }>(
    `${located.collection}?${query.toString()}`,
    `read ${describeTarget(located)}`,
    signal,
  );
  const names = new Set(items.map(({ metadata }) => metadata.name));
  return found.filter(({ involvedObject }) => names.has(involvedObject.name ?? ''));
}

const sorted = (found: readonly Written[]): ObjectEvent[] =>
  found.map(asEvent).sort((a, b) => Number(a.last) - Number(b.last) || Number(a.first) - Number(b.first));

function asEvent(written: Written): ObjectEvent {
  const { metadata, type, series, eventTime, firstTimestamp, lastTimestamp, involvedObject } = written;
  const first = new Date(firstTimestamp ?? eventTime ?? metadata.creationTimestamp);
  const last = new Date(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp);
  return {
    type: type === 'Warning' ? type : 'Normal',
    reason: written.reason ?? '',
    message: written.message ?? '',
    count: series?.count ?? written.count ?? 1,
    ...{ first, last },
    by: written.source?.component || written.reportingComponent || '',
    object: {
      kind: involvedObject.kind ?? '',
      name: involvedObject.name ?? '',
      namespace: involvedObject.namespace,
    },
  };
}
