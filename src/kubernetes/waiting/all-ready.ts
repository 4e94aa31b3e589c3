import type { Progress } from '../../report/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { ClusterAccess } from '../access.js';
import { ApiError } from '../api-error.js';
import { type Api, openApi } from '../client.js';
import { Kinds } from '../kinds.js';
import { describeObject, groupOf, type KubernetesObject } from '../objects.js';
import { passesByItself } from '../retry.js';
import { Collection } from './collection.js';
import { readiness } from './readiness.js';
import { until } from './until.js';
import { met, never, notYet, type Verdict } from './verdict.js';

/** What becomes ready by itself: a claim may wait for its pod, a custom resource for a controller that a test runs. */
const kinds: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
  'Pod',
  'apiregistration.k8s.io/APIService',
]);

/** After a question that the API server did not answer, in milliseconds. */
const rest = 500;

/** Whether an object of a manifest becomes ready without anybody's doing. */
export function becomesReady(object: KubernetesObject): boolean {
  const group = groupOf(object);
  const { paused, suspend } = (object['spec'] ?? {}) as { paused?: boolean; suspend?: boolean };
  return kinds.has(group === '' ? object.kind : `${group}/${object.kind}`) && !paused && !suspend;
}

/** An object that is waited for, and where it is. */
export interface AwaitedObject {
  object: KubernetesObject;
  kind: string;
  namespace: string | undefined;
  name: string;
  /** As a reader is told of it: `Deployment shop/api`. */
  title: string;
}

interface Lacking extends AwaitedObject {
  /** As the rest of a sentence: `0 of 1 replicas are ready`. */
  lacks: string;
}

interface AllReadyOptions {
  signal: AbortSignal;
  progress: Progress;
  /** Of the objects as they are there, those that count; one that does not is not waited for. Default: all. */
  counts?: (present: KubernetesObject) => boolean;
  /** Told of where they are, before they are waited for. */
  onFound?: (objects: readonly AwaitedObject[]) => void;
  /** Watches for a cause that waiting will not cure, and rejects with it. */
  watch?: (lacking: () => readonly Lacking[], signal: AbortSignal) => Promise<never>;
}

/**
 * Waits by watch until all objects are ready. Only what was not seen before counts as progress, of their pods and events
 * too, so that a pod that crashes over and over stands still. Ends with `signal`'s reason.
 *
 * @throws JestKubernetesError WAIT_FAILED for an object that never will be; ApiError; whatever `watch` finds
 */
export async function allReady(
  access: ClusterAccess,
  objects: readonly KubernetesObject[],
  { signal, progress, counts = () => true, onFound, watch }: AllReadyOptions,
): Promise<void> {
  using api = openApi(access);
  const persist = <T>(attempt: () => Promise<T>): Promise<T> => persistently(attempt, signal, progress);
  const located = await persist(() => locate(api, objects, signal));
  onFound?.(located);

  const own = new Map<string, Collection>();
  for (const { path } of located) if (!own.has(path)) own.set(path, new Collection(api, path));
  const namespaces = [...new Set(located.flatMap(({ namespace }) => namespace ?? []))];
  const beside = namespaces.flatMap((each) =>
    ['pods', 'events'].map((kind) => new Collection(api, `/api/v1/namespaces/${each}/${kind}`)),
  );

  const seen = new Set<string>();
  const tell = (lines: readonly string[]): void => {
    const news = lines.filter((line) => !seen.has(line));
    for (const line of news) seen.add(line);
    const latest = news.at(-1);
    if (latest !== undefined) progress.moved(latest);
  };
  let lacking: Lacking[] = [];
  const was = new Set<Located>();
  const look = (): Verdict => {
    lacking = [];
    for (const each of located) {
      const present = own.get(each.path)?.objects.find(({ metadata }) => metadata.name === each.name);
      const verdict = judged(each, present, { counts, wasThere: was.has(each) });
      if (present !== undefined) was.add(each);
      if (verdict.is === 'never') return never(`${each.title} will not be ready: ${verdict.why}`);
      if (verdict.is === 'not yet') lacking.push({ ...each, lacks: verdict.lacks });
    }
    tell([...lacking.map(lineOf), `${located.length - lacking.length} of ${located.length} are ready`]);
    progress.waitingFor(inShort(lacking, [...own.values()]));
    return lacking.length === 0 ? met : notYet(lacking.map(lineOf).join('; '));
  };

  const done = new AbortController();
  const watching = AbortSignal.any([signal, done.signal]);
  const found = watch?.(() => lacking, watching);
  found?.catch(() => undefined);
  for (const each of beside) {
    each.onChange(() => {
      tell(each.objects.filter((one) => isOfOne(one, located)).map(describeBeside));
    });
    // it tells how far they are, and who may not read it waits without
    each.refresh(watching).catch(() => undefined);
  }
  try {
    const ready = persist(() => until([...own.values()], look, { signal: watching }));
    const verdict = await Promise.race([ready, ...(found === undefined ? [] : [found])]);
    if (verdict.is === 'never') throw new JestKubernetesError('WAIT_FAILED', verdict.why);
  } finally {
    done.abort(new Error('the wait has ended'));
    for (const each of [...own.values(), ...beside]) each.close();
  }
}

interface Located extends AwaitedObject {
  /** What is watched: the object alone, or all of its kind in the namespace where several of them are waited for. */
  path: string;
}

async function locate(
  api: Api,
  objects: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<Located[]> {
  const served = new Kinds(api);
  const placed = await Promise.all(
    objects.map(async (object) => ({ object, place: await served.placeOf(object, signal) })),
  );
  return placed.map(({ object, place: { collection, namespace } }) => {
    const { name } = object.metadata;
    const isAlone = placed.filter(({ place }) => place.collection === collection).length === 1;
    const { namespace: _given, ...metadata } = object.metadata;
    const whole = namespace === undefined ? metadata : { ...metadata, namespace };
    return {
      ...{ object, kind: object.kind, namespace, name },
      title: describeObject({ ...object, metadata: whole }),
      path: isAlone
        ? `${collection}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`
        : collection,
    };
  });
}

function judged(
  { object }: Located,
  present: KubernetesObject | undefined,
  { counts, wasThere }: { counts: (present: KubernetesObject) => boolean; wasThere: boolean },
): Verdict {
  if (present !== undefined) return counts(present) ? readiness(present) : met;
  // a Job may be deleted as soon as it is finished
  const { ttlSecondsAfterFinished } = (object['spec'] ?? {}) as { ttlSecondsAfterFinished?: number };
  if (ttlSecondsAfterFinished !== undefined) return met;
  return notYet(wasThere ? 'it has been deleted' : 'it is not there');
}

/** Tries again what passes by itself, without an end: the limits of the phase are it. */
async function persistently<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  progress: Progress,
): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError ? error.status < 500 : !passesByItself(error)) throw error;
      progress.waitingFor(`the API server: ${messageOf(error)}`);
      await pause(rest, signal);
    }
  }
}

const lineOf = ({ title, lacks }: Lacking): string => `${title}: ${lacks}`;

function inShort(lacking: readonly Lacking[], collections: readonly Collection[]): string {
  const shown = lacking.slice(0, 3).map(lineOf);
  const more = lacking.length > shown.length ? [`${lacking.length - shown.length} more`] : [];
  const trouble = collections.flatMap((each) => each.trouble ?? []).slice(0, 1);
  return [...shown, ...more, ...trouble.map((each) => `the watch is broken: ${each}`)].join('; ');
}

/** Names of pods begin with that of what made them, which is cut where it is long. */
function isOfOne(one: KubernetesObject, objects: readonly AwaitedObject[]): boolean {
  const { involvedObject } = one as { involvedObject?: { name?: string } };
  const name = involvedObject?.name ?? one.metadata.name;
  return objects.some(
    (each) =>
      each.namespace === one.metadata.namespace &&
      (name === each.name || name.startsWith(`${each.name.slice(0, 40)}${each.name.length > 40 ? '' : '-'}`)),
  );
}

function describeBeside(one: KubernetesObject): string {
  const { reason = '', message = '' } = one as { reason?: string; message?: string };
  if (one.kind !== 'Pod') return `${reason}: ${message}`;
  const verdict = readiness(one);
  const state = verdict.is === 'met' ? 'is ready' : verdict.is === 'never' ? verdict.why : verdict.lacks;
  return `pod ${one.metadata.name}: ${state}`;
}
