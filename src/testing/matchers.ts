import {
  conditionIs,
  describeCondition,
  isGone,
  type KubernetesObject,
  statusConditions,
  unless,
} from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { cluster } from './cluster.js';
import { ready } from './conditions.js';
import { eventsAbout, type Written } from './events.js';
import { describeTarget, locate, type Located, pathOf } from './target.js';
import { currentScope } from './test-file.js';

/** What is used of the `this` that Jest calls a matcher with. */
export interface MatcherContext {
  isNot?: boolean;
  equals(a: unknown, b: unknown, testers?: unknown[]): boolean;
  customTesters?: unknown[];
  utils: {
    matcherHint(name: string, received?: string, expected?: string, options?: { isNot?: boolean }): string;
    printExpected(value: unknown): string;
    printReceived(value: unknown): string;
    diff(a: unknown, b: unknown): string | null;
    subsetEquality: unknown;
    iterableEquality: unknown;
  };
}

interface Outcome {
  pass: boolean;
  message: () => string;
}

interface Read {
  located: Located;
  object: KubernetesObject | undefined;
}

/** The object as it is now: what a test holds of it may be old. */
async function read(target: unknown): Promise<Read> {
  const isTarget = typeof target === 'string' || (typeof target === 'object' && target !== null);
  if (!isTarget)
    throw new JestKubernetesError(
      'TARGET_INVALID',
      `${JSON.stringify(target)} is no object of the cluster, and no name of one`,
      {
        remedy: 'Expect something of ‘deployment/web’, or of an object.',
      },
    );
  const located = await locate(target);
  const object = await unless(isGone, cluster().api.request<KubernetesObject>(pathOf(located)));
  return { located, object };
}

/** In what state it is, in a few lines. */
function stateOf({ located, object }: Read): string {
  if (object === undefined) return `${describeTarget(located)} is not there`;
  const verdict = ready.judge({ located, objects: [object], beside: [] });
  const lines = [
    verdict.is === 'met'
      ? 'it is ready'
      : verdict.is === 'never'
        ? `it will not be ready: ${verdict.why}`
        : verdict.lacks,
    ...statusConditions(object).map(describeCondition),
  ];
  return [describeTarget(located), ...lines.map((line) => `    ${line}`)].join('\n');
}

const hint = ({ utils, isNot = false }: MatcherContext, name: string, expected = ''): string =>
  utils.matcherHint(name, 'object', expected, { isNot });

const told = (...parts: readonly (string | null)[]): string => parts.filter(Boolean).join('\n\n');

/** Each that is given must fit. */
export interface EventPattern {
  reason?: string | RegExp;
  message?: string | RegExp;
  type?: string;
}

const fits = (text: string | undefined, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? text === wanted : wanted.test(text ?? '');

function eventFits(event: Written, pattern: string | RegExp | EventPattern): boolean {
  if (typeof pattern === 'string') return event.reason === pattern || (event.message ?? '').includes(pattern);
  // made in a test's own realm
  if (typeof (pattern as RegExp).test === 'function')
    return fits(`${event.reason ?? ''}: ${event.message ?? ''}`, pattern as RegExp);
  const { reason, message, type } = pattern as EventPattern;
  return (
    (reason === undefined || fits(event.reason, reason)) &&
    (message === undefined || fits(event.message, message)) &&
    (type === undefined || event.type === type)
  );
}

/** Of that very object, or of none that is told: not of an earlier one of its name. */
async function eventsOf({ located, object }: Read): Promise<Written[]> {
  const found = await eventsAbout({ ...located, uid: undefined }, currentScope().signal);
  const uid = object?.metadata.uid;
  return found.filter(({ involvedObject }) => uid === undefined || (involvedObject.uid ?? uid) === uid);
}

/** For `expect.extend`; each looks at the object as it is at that moment: `eventually`, or `waitFor`, waits. */
export const matchers = {
  async toBeReady(this: MatcherContext, target: unknown): Promise<Outcome> {
    const seen = await read(target);
    const { located, object } = seen;
    const verdict = ready.judge({ located, objects: object === undefined ? [] : [object], beside: [] });
    return { pass: verdict.is === 'met', message: () => told(hint(this, 'toBeReady'), stateOf(seen)) };
  },

  async toHaveCondition(
    this: MatcherContext,
    target: unknown,
    type: string,
    status = 'True',
  ): Promise<Outcome> {
    const seen = await read(target);
    const pass = seen.object !== undefined && conditionIs(seen.object, type, status).is === 'met';
    return {
      pass,
      message: () =>
        told(
          hint(this, 'toHaveCondition', `'${type}'${status === 'True' ? '' : `, '${status}'`}`),
          `Expected: ${this.isNot === true ? 'not ' : ''}${this.utils.printExpected(`${type} is ${status}`)}`,
          stateOf(seen),
        ),
    };
  },

  async toHaveEvent(
    this: MatcherContext,
    target: unknown,
    pattern: string | RegExp | EventPattern,
  ): Promise<Outcome> {
    const seen = await read(target);
    const events = await eventsOf(seen);
    const lines = events.map(
      ({ type, reason, message }) => `    ${type ?? ''} ${reason ?? ''}: ${(message ?? '').trim()}`,
    );
    return {
      pass: events.some((event) => eventFits(event, pattern)),
      message: () =>
        told(
          hint(
            this,
            'toHaveEvent',
            String(typeof pattern === 'object' && !('test' in pattern) ? '{…}' : pattern),
          ),
          `Expected: ${this.isNot === true ? 'no event that fits ' : 'an event that fits '}${this.utils.printExpected(pattern)}`,
          [`${describeTarget(seen.located)} has ${events.length === 0 ? 'none' : 'these'}`, ...lines].join(
            '\n',
          ),
        ),
    };
  },

  async toMatchResource(this: MatcherContext, target: unknown, expected: object): Promise<Outcome> {
    const seen = await read(target);
    const { utils, customTesters = [] } = this;
    const testers = [...customTesters, utils.iterableEquality, utils.subsetEquality];
    const pass = seen.object !== undefined && this.equals(seen.object, expected, testers);
    return {
      pass,
      message: () =>
        told(
          hint(this, 'toMatchResource', '{…}'),
          seen.object === undefined || this.isNot === true
            ? `Expected: ${this.isNot === true ? 'not ' : ''}${utils.printExpected(expected)}`
            : utils.diff(expected, likewise(seen.object, expected)),
          stateOf(seen),
        ),
    };
  },
};

/** Of an object what is expected of it: the rest is no difference. */
function likewise(found: unknown, expected: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(expected))
    return found.map((each, index) => likewise(each, expected[index]));
  const isPlain = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('asymmetricMatch' in value);
  if (!isPlain(found) || !isPlain(expected)) return found;
  return Object.fromEntries(
    Object.keys(expected)
      .filter((key) => key in found)
      .map((key) => [key, likewise(found[key], expected[key])]),
  );
}

/** The matchers' types, of whatever `expect` gives. */
export interface KubernetesMatchers<R> {
  /** It is what its spec says, and can be used; see `ready`. */
  toBeReady(): Promise<R>;
  /** One of its `status.conditions` has a status. Default: `True`. */
  toHaveCondition(type: string, status?: 'True' | 'False' | 'Unknown'): Promise<R>;
  /** There is an event of it: of a reason, with words in its message, or as a pattern says of `Reason: message`. */
  toHaveEvent(pattern: string | RegExp | EventPattern): Promise<R>;
  /** It has at least these fields, as `toMatchObject` compares them. */
  toMatchResource(expected: object): Promise<R>;
}

// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- it does nothing where the module is found
/** @ts-ignore: for those who import `expect` from @jest/globals; where it is not to be found, nobody does */
declare module 'expect' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- to be merged
  interface Matchers<R extends void | Promise<void>, T = unknown> extends KubernetesMatchers<R> {}
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- as @types/jest has it
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- to be merged
    interface Matchers<R, T = {}> extends KubernetesMatchers<R> {}
  }
}
