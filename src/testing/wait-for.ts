import { createRequire } from 'node:module';

import type * as Diagnose from '../diagnose/index.js';
import {
  type Collection,
  collectionOf,
  type KubernetesObject,
  until,
  type Verdict,
} from '../kubernetes/index.js';
import { pause } from '../support/abort.js';
import { type ErrorCode, JestKubernetesError, messageOf } from '../support/errors.js';
import { cluster } from './cluster.js';
import { asCondition, type Condition, type deleted, ready, type Seen } from './conditions.js';
import { withDates } from './dates.js';
import { type Limits, Patience } from './patience.js';
import { refusal } from './refusal.js';
import type { Trace } from './scope.js';
import { describeTarget, locate, type Located, type Target, traceOf } from './target.js';
import { currentScope, isOwnNamespace } from './test-file.js';
import type { FoundOf } from './typed.js';

export interface WaitOptions extends Limits {
  /** Of targets that name none. Default: the test's own. */
  namespace?: string;
}

/** A test that waits for nothing bad loads none of it. */
const loadNow = createRequire(__filename);

/** How long a wait goes on before it is asked whether it can come to a good end, in milliseconds. */
const doubtAfter = 1_000;

/** A test has less time than a run: a program that has crashed twice, some ten seconds apart, is not waited for. */
const conclusiveRestarts = 2;

/**
 * Waits until an object, or all objects of a selection, are as they are wanted to be: by watch, so that it goes on in the
 * moment in which they are. It ends at once where a pod of it shows a cause that no waiting heals, and says which.
 *
 * @param target - `deployment/web`, `pods`, an object, a selection, or several of them, which are waited for together
 * @param condition - default: `ready`; a function is given the object, or all of a selection, and says true
 * @returns the object as it was then, all of a selection as a list; nothing for `deleted`
 * @example
 * await waitFor('deployment/web');
 * await waitFor('job/migrate', complete, { total: '30s' });
 * await waitFor({ kind: 'Pod', selector: { app: 'web' } }, count(3));
 * await waitFor('configmap/state', (map) => map.data?.phase === 'done');
 * @throws JestKubernetesError WAIT_FAILED, or the code of the cause, with what was lacking; TARGET_INVALID
 */
export function waitFor(target: Target, condition: typeof deleted, options?: WaitOptions): Promise<void>;
export function waitFor<const T extends readonly Target[]>(
  targets: T,
  condition?: Condition,
  options?: WaitOptions,
): Promise<{ -readonly [Index in keyof T]: FoundOf<T[Index]> }>;
export function waitFor<const T extends Target>(
  target: T,
  condition?: Condition | ((found: FoundOf<T>) => unknown),
  options?: WaitOptions,
): Promise<FoundOf<T>>;
export async function waitFor(
  target: Target | readonly Target[],
  condition: Condition | ((found: never) => unknown) = ready,
  options: WaitOptions = {},
): Promise<unknown> {
  const wanted = asCondition(condition);
  using patience = new Patience(options);
  if (!Array.isArray(target)) return await waitForOne(target as Target, wanted, options, patience);
  return await Promise.all(
    (target as readonly Target[]).map((each) => waitForOne(each, wanted, options, patience)),
  );
}

async function waitForOne(
  target: Target,
  condition: Condition,
  { namespace }: WaitOptions,
  patience: Patience,
): Promise<unknown> {
  const located = await locate(target, { namespace, signal: patience.signal });
  const wait = new Wait(located, condition, patience);
  const objects = await wait.ended();
  if ('leaves' in condition) return undefined;
  const found = objects.map(withDates);
  return located.name === undefined ? found : found[0];
}

/**
 * What is watched: in a test's own namespace all of a kind, by one watch for all that wait; of what others may have much
 * of, what is asked for alone.
 */
function watchedPath({ collection, namespace, name, selector }: Located): string {
  if (selector !== undefined) return `${collection}?labelSelector=${encodeURIComponent(selector)}`;
  if (name === undefined || isOwnNamespace(namespace)) return collection;
  return `${collection}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
}

class Wait {
  readonly #located: Located;
  readonly #condition: Condition;
  readonly #patience: Patience;
  readonly #own: Collection;
  readonly #beside: Collection | undefined;
  readonly #trace: Trace;
  #last: Verdict | undefined;

  constructor(located: Located, condition: Condition, patience: Patience) {
    const here = cluster();
    this.#located = located;
    this.#condition = condition;
    this.#patience = patience;
    this.#own = here.collection(watchedPath(located));
    const { beside } = condition;
    this.#beside = beside && here.collection(collectionOf(beside, located.namespace));
    this.#trace = { ...traceOf(located), condition: condition.name };
    currentScope().traces.push(this.#trace);
  }

  /** @returns the objects, as soon as they meet the condition */
  async ended(): Promise<readonly KubernetesObject[]> {
    const found = new AbortController();
    const signal = AbortSignal.any([this.#patience.signal, found.signal]);
    const doubt = this.#doubt(signal).then((cause) => {
      if (cause !== undefined) found.abort(new Hopeless(cause));
    });
    doubt.catch(() => undefined);
    try {
      const collections = [this.#own, ...(this.#beside === undefined ? [] : [this.#beside])];
      const verdict = await until(collections, () => this.#look(), { signal });
      if (verdict.is === 'never') throw this.#failed(undefined, verdict.why);
      this.#trace.lacks = undefined;
      return this.#objects();
    } catch (error) {
      if (error instanceof Hopeless) throw this.#failed(error.diagnosis);
      if (this.#patience.isOver && signal.aborted) throw this.#failed(undefined);
      throw refusal('WAIT_FAILED', `wait for ${describeTarget(this.#located)}`, error);
    } finally {
      found.abort(new Error('the wait has ended'));
    }
  }

  #objects(): KubernetesObject[] {
    const { name } = this.#located;
    return this.#own.objects.filter(({ metadata }) => name === undefined || metadata.name === name);
  }

  #look(): Verdict {
    const seen: Seen = {
      located: this.#located,
      objects: this.#objects(),
      beside: this.#beside?.objects ?? [],
    };
    const verdict = this.#condition.judge(seen);
    const before = this.#last;
    this.#last = verdict;
    if (verdict.is === 'not yet') this.#trace.lacks = verdict.lacks;
    if (before?.is !== 'not yet' || verdict.is !== 'not yet' || before.lacks !== verdict.lacks)
      this.#patience.moved();
    return verdict;
  }

  /** @returns a cause that waiting does not heal; undefined where nothing tells of one */
  async #doubt(signal: AbortSignal): Promise<Diagnose.Diagnosis | undefined> {
    const { namespace } = this.#located;
    if (!this.#condition.needsWell || namespace === undefined) return undefined;
    await pause(doubtAfter, signal);
    const { watchForCause } = loadNow('../diagnose/index.js') as typeof Diagnose;
    const { kind, name, selector } = this.#located;
    return watchForCause({
      ...{ access: cluster().access, signal },
      scope: { objects: [{ kind, namespace, name, selector }] },
      context: () => ({ restarts: conclusiveRestarts }),
    });
  }

  #failed(diagnosis: Diagnose.Diagnosis | undefined, why?: string): JestKubernetesError {
    const what = describeTarget(this.#located);
    const { name } = this.#condition;
    const lacks = this.#last?.is === 'not yet' ? this.#last.lacks : undefined;
    const { trouble } = this.#own;
    const sentence =
      why === undefined
        ? `${what} is not ${name} after ${this.#patience.passed}`
        : `${what} will not be ${name}: ${why}`;
    const evidence = [
      ...(why === undefined && lacks !== undefined ? [lacks] : []),
      ...this.#patience.reasons,
      ...(trouble === undefined ? [] : [`the watch is broken: ${trouble}`]),
      ...(diagnosis?.evidence ?? []),
    ];
    const code: ErrorCode = diagnosis?.code ?? 'WAIT_FAILED';
    const message = diagnosis === undefined ? sentence : `${sentence}: ${diagnosis.sentence}`;
    return new JestKubernetesError(code, message, { evidence, remedy: diagnosis?.remedy });
  }
}

class Hopeless extends Error {
  constructor(readonly diagnosis: Diagnose.Diagnosis) {
    super(messageOf(diagnosis.sentence));
  }
}
