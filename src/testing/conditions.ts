import type { KubernetesObject } from '../kubernetes/index.js';
import { type EndpointSlice, hasReadyEndpoint, phaseIs, readiness } from '../kubernetes/waiting/readiness.js';
import {
  conditionIs,
  generationSeen,
  met,
  never,
  notYet,
  type Verdict,
} from '../kubernetes/waiting/verdict.js';
import { messageOf } from '../support/errors.js';
import { readPath } from './json-path.js';
import type { Located } from './target.js';

/** What a condition looks at. */
export interface Seen {
  located: Located;
  /** The one that is named, or all that are selected. */
  objects: readonly KubernetesObject[];
  /** Of the collection that {@link Condition.beside} names. */
  beside: readonly KubernetesObject[];
}

/** What something is waited for to be. */
export interface Condition {
  /** As a reader is told: `ready`, `available`. */
  readonly name: string;
  /** Whether a pod that cannot come to a good end ends the wait. */
  readonly needsWell: boolean;
  /** Another collection that it looks at, in the same namespace. */
  readonly beside?: { readonly apiVersion: string; readonly resource: string };
  judge(seen: Seen): Verdict;
}

const isOne = ({ name }: Located): boolean => name !== undefined;

/** One that is asked of each object: the first that does not meet it is told. */
function ofEach(name: string, judge: (object: KubernetesObject, seen: Seen) => Verdict): Condition {
  return {
    name,
    needsWell: true,
    judge(seen) {
      const { objects, located } = seen;
      if (objects.length === 0) return notYet(isOne(located) ? 'it is not there' : 'there is none');
      for (const object of objects) {
        const verdict = judge(object, seen);
        if (verdict.is === 'met') continue;
        if (isOne(located)) return verdict;
        const { name: which } = object.metadata;
        return verdict.is === 'never'
          ? never(`${which}: ${verdict.why}`)
          : notYet(`${which}: ${verdict.lacks}`);
      }
      return met;
    },
  };
}

/** A condition of somebody's own about a state that may as well be a bad one. */
const whateverPods = (condition: Condition): Condition => ({ ...condition, needsWell: false });

/**
 * It is what its spec says, and can be used. What that is, each kind knows: a Deployment's replicas are all of the newest
 * version and available, a Job is complete, a claim is bound, a definition is established; a custom resource has a status,
 * of this generation, whose condition `Ready`, if it has one, is `True`. The rules are those of kstatus.
 */
export const ready: Condition = ofEach('ready', (object, { located }) =>
  readiness(object, located.hasStatus),
);

/** Its condition `Available` is `True`: of a Deployment, as many pods as must be are ready. */
export const available: Condition = ofEach('available', (object) => {
  const seen = generationSeen(object);
  return seen.is === 'met' ? conditionIs(object, 'Available') : seen;
});

/** A Job that has succeeded, or a pod; anything else by its condition `Complete`. */
export const complete: Condition = ofEach('complete', (object) => {
  if (object.kind === 'Job') return readiness(object);
  if (object.kind !== 'Pod') return conditionIs(object, 'Complete');
  return phaseIs('Failed')(object).is === 'met' ? never('its phase is Failed') : phaseIs('Succeeded')(object);
});

/** It is there, in whatever state. */
export const exists: Condition = whateverPods(ofEach('there', () => met));

/** A claim, or a volume, whose phase is `Bound`. */
export const bound: Condition = ofEach('bound', phaseIs('Bound'));

/** It is gone, or, where an object was given, another one has its name. */
export const deleted: Condition & { readonly leaves: 'nothing' } = {
  name: 'deleted',
  needsWell: false,
  leaves: 'nothing',
  judge({ objects, located: { uid } }) {
    const left = objects.filter(({ metadata }) => uid === undefined || metadata.uid === uid);
    const [first] = left;
    if (first === undefined) return met;
    const { finalizers = [], deletionTimestamp } = first.metadata;
    if (deletionTimestamp === undefined)
      return notYet(`${first.metadata.name} is there, and not being deleted`);
    const held = finalizers.length > 0 ? `, held by ${finalizers.join(', ')}` : '';
    return notYet(`${first.metadata.name} is being deleted${held}`);
  },
};

/** A Service that has an endpoint which is ready. */
export const hasEndpoints: Condition = {
  ...ofEach('served by an endpoint', (object, { beside }) => {
    const own = beside.filter(
      ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === object.metadata.name,
    );
    return own.some((slice) => hasReadyEndpoint(slice as EndpointSlice))
      ? met
      : notYet('no endpoint of it is ready');
  }),
  beside: { apiVersion: 'discovery.k8s.io/v1', resource: 'endpointslices' },
};

/**
 * One of `status.conditions` has a status.
 * @param type - `Ready`, `Progressing`, `Certificate…`, whatever its controller writes
 * @param status - default: `True`
 */
export function condition(type: string, status: 'True' | 'False' | 'Unknown' = 'True'): Condition {
  const name = status === 'True' ? `‘${type}’` : `‘${type}’: ${status}`;
  return whateverPods(ofEach(name, (object) => conditionIs(object, type, status)));
}

/**
 * As many objects as this, of those that are selected.
 * @param of - only those which meet that are counted; default: all
 */
export function count(wanted: number, of?: Condition): Condition {
  return {
    name: `${wanted}${of === undefined ? '' : ` ${of.name}`}`,
    needsWell: false,
    judge(seen) {
      const counted = seen.objects.filter(
        (object) => of === undefined || of.judge({ ...seen, objects: [object] }).is === 'met',
      );
      if (counted.length === wanted) return met;
      const not = counted.length === seen.objects.length ? '' : `, of ${seen.objects.length}`;
      return notYet(`there are ${counted.length}${not}`);
    },
  };
}

/**
 * What a path of the object holds.
 * @param path - as kubectl takes it, `{.status.phase}`; the braces may be left out
 * @param value - what it must be: of text, as it is written; default: anything at all
 * @example await waitFor('pod/web', jsonPath('{.status.podIP}'));
 * @throws JestKubernetesError TARGET_INVALID where it is no path
 */
export function jsonPath(path: string, value?: string | number | boolean | RegExp): Condition {
  const valuesIn = readPath(path);
  const isIt = (found: unknown): boolean => {
    if (value === undefined) return found !== undefined && found !== null && found !== '';
    // not instanceof: it is made in a test's own realm
    if (typeof value === 'object') return value.test(String(found));
    return String(found) === String(value);
  };
  const wanted = value === undefined ? '' : ` = ${String(value)}`;
  return whateverPods(
    ofEach(`${path}${wanted}`, (object) => {
      const { found, refused, instead } = valuesIn(object);
      if (refused !== undefined) return never(`‘${path}’ is no JSONPath: ${refused}`);
      if (found.some(isIt)) return met;
      return notYet(
        found.length === 0
          ? `${path} is not there${instead}`
          : `${path} is ${found.map((each) => JSON.stringify(each)).join(', ')}`,
      );
    }),
  );
}

/** A test's own: what it says of the object, or of all that are selected; what it throws is what is lacking. */
export function asCondition(given: Condition | ((found: never) => unknown)): Condition {
  if (typeof given !== 'function') return given;
  const name = given.name === '' || given.name === 'condition' ? 'as the function wants it' : given.name;
  return {
    name,
    needsWell: false,
    judge({ objects, located }) {
      const [first] = objects;
      if (isOne(located) && first === undefined) return notYet('it is not there');
      try {
        const answer = given((isOne(located) ? first : objects) as never);
        if (Object(answer) === answer && typeof (answer as { then?: unknown }).then === 'function')
          return never('its function is asynchronous: use eventually(…) for that');
        return answer === true
          ? met
          : notYet(typeof answer === 'string' ? answer : `the function says ${String(answer)}`);
      } catch (error) {
        return notYet(messageOf(error));
      }
    },
  };
}
