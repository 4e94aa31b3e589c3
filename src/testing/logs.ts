import { ApiError, defaultContainer, type Pod } from '../kubernetes/index.js';
import { parseDuration } from '../support/duration.js';
import { JestKubernetesError } from '../support/errors.js';
import { cluster } from './cluster.js';
import { followed } from './follow-logs.js';
import { logPath, type LogQuery } from './log-path.js';
import { podsNow, podsOf, type PodsOfTarget } from './pods-of.js';
import { refusal } from './refusal.js';
import { type ContainerOptions, requireContainer } from './running-container.js';
import type { Scope } from './scope.js';
import type { Target } from './target.js';
import { currentScope } from './test-file.js';

export interface LogsOptions extends ContainerOptions {
  /**
   * Whether to go on with what is written later, restarts and new pods of a workload included: until its pod, or Job,
   * has come to its end, the loop over it is left, or the test ends. Default: false.
   */
  follow?: boolean | undefined;
  /** The log of the container's run before its last restart. Default: false. */
  previous?: boolean | undefined;
  /** Only what is younger: `30s`, milliseconds, or a point in time (to the second). Default: all. */
  since?: string | number | Date | undefined;
  /** Only that many lines, the last of each pod. Default: all. */
  tail?: number | undefined;
}

/** What was logged: as a whole, by `await`; line by line, by `for await`. Nothing is read before one of both. */
export interface Logs extends Promise<string>, AsyncIterable<string> {}

/**
 * What a pod has logged, or the pods of a workload, a service or a selection.
 *
 * Where there is more than one pod, each line begins with its pod's name: `[web-5d9f-x2x4z] listening on :80`. Containers
 * that have not started yet have logged nothing; where none has started, that is an error.
 *
 * @example
 * expect(await logs('deployment/web')).toContain('listening');
 * for await (const line of logs('job/migrate', { follow: true })) if (line.includes('done')) break;
 * const crash = await logs({ kind: 'pods', selector: 'app=web' }, { previous: true });
 * @throws JestKubernetesError (when it is awaited) TARGET_INVALID where there is no such target, or container;
 *   LOGS_FAILED; FORBIDDEN; NO_CLUSTER
 */
export function logs(target: Target, options: LogsOptions = {}): Logs {
  const scope = currentScope();
  const lines = (): AsyncGenerator<string> =>
    options.follow === true ? follow(target, options, scope) : linesOf(whole());
  const read = async (): Promise<string> => {
    if (options.follow !== true) return readAll(target, options, scope);
    let text = '';
    for await (const line of lines()) text += `${line}\n`;
    return text;
  };
  let reading: Promise<string> | undefined;
  const whole = (): Promise<string> => (reading ??= read());
  return {
    then: (...handlers) => whole().then(...handlers),
    catch: (onError) => whole().catch(onError),
    finally: (onEnd) => whole().finally(onEnd),
    [Symbol.toStringTag]: 'Logs',
    [Symbol.asyncIterator]: lines,
  };
}

async function* linesOf(text: Promise<string>): AsyncGenerator<string> {
  const lines = (await text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  yield* lines;
}

async function* follow(target: Target, options: LogsOptions, scope: Scope): AsyncGenerator<string> {
  const query = queryOf(options);
  const pods = await podsOf(target, { namespace: options.namespace, scope });
  const there = await podsNow(pods, scope.signal);
  requireContainer(pods, there, options.container);
  yield* followed(cluster().api, { pods, there, container: options.container, query, signal: scope.signal });
}

async function readAll(target: Target, options: LogsOptions, scope: Scope): Promise<string> {
  const query = queryOf(options);
  const pods = await podsOf(target, { namespace: options.namespace, scope });
  const there = await podsNow(pods, scope.signal);
  requireContainer(pods, there, options.container);
  const texts = await Promise.all(
    there.map((pod) => readOne(pods, pod, options.container ?? defaultContainer(pod), query, scope.signal)),
  );
  const notStarted = texts.filter((text) => text instanceof ApiError);
  const [first] = notStarted;
  if (there.length === 0 || (first !== undefined && notStarted.length === texts.length)) {
    const which = query.previous === true ? 'log of an earlier run' : 'log';
    throw new JestKubernetesError('LOGS_FAILED', `There is no ${which} of ${pods.what} yet`, {
      evidence: there.length === 0 ? ['it has no pods'] : notStarted.map(({ message }) => message),
      remedy: query.previous === true ? undefined : 'Wait for it before: await waitFor(…, ready)',
      cause: first,
    });
  }
  if (there.length === 1) return texts.join('');
  return texts
    .flatMap((text, index) =>
      text instanceof ApiError ? [] : prefixed(text, there[index]?.metadata.name ?? ''),
    )
    .join('');
}

const prefixed = (text: string, pod: string): string[] =>
  text.split(/(?<=\n)/).map((line) => `[${pod}] ${line.endsWith('\n') ? line : `${line}\n`}`);

/** @returns the refusal of one that has not started, or was never restarted */
async function readOne(
  { what }: PodsOfTarget,
  { metadata: { namespace, name } }: Pod,
  container: string,
  query: LogQuery,
  signal: AbortSignal,
): Promise<string | ApiError> {
  try {
    return await cluster().api.text(logPath({ namespace, pod: name, container }, query), { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error;
    throw refusal('LOGS_FAILED', `read the log of ${what}`, error);
  }
}

function queryOf({ previous, follow: isFollowed, since, tail }: LogsOptions): LogQuery {
  if (previous === true && isFollowed === true)
    throw unusable('previous and follow', 'what has ended cannot be followed');
  if (tail !== undefined && !(Number.isInteger(tail) && tail >= 0))
    throw unusable(`tail: ${tail}`, 'it is no number of lines');
  return {
    ...(previous === true && { previous }),
    ...(tail !== undefined && { tailLines: tail }),
    ...(since !== undefined && sinceOf(since)),
  };
}

function sinceOf(since: string | number | Date): LogQuery {
  // a date of the test's own realm is no instance of ours
  if (typeof since === 'object') return { sinceTime: new Date(Number(since)).toISOString() };
  const duration = parseDuration(since);
  if (duration === undefined) throw unusable(`since: ${since}`, 'it is no duration, such as 30s');
  return { sinceSeconds: Math.max(1, Math.ceil(duration / 1000)) };
}

const unusable = (what: string, why: string): JestKubernetesError =>
  new JestKubernetesError('LOGS_FAILED', `logs() cannot do with ${what}: ${why}`);
