import { type Api, ApiError, isGone } from '../kubernetes/index.js';
import { type ErrorCode, JestKubernetesError, messageOf } from '../support/errors.js';
import { nearest } from '../support/nearest.js';
import { describeTarget, type Located } from './target.js';

/** How many objects that are there are told of, where one is not. */
const namesTold = 5;

/** What is thrown where the API server forbids something; its own words name the user, the verb and the resource. */
export function forbidden(doing: string, error: ApiError | Error): JestKubernetesError {
  return new JestKubernetesError('FORBIDDEN', `The API server forbids to ${doing}`, {
    evidence: [error.message],
    remedy: 'Give that user a Role, and a RoleBinding, with this verb on this resource.',
    cause: error,
  });
}

/**
 * What a word throws instead of an API server's refusal; any other error as it is.
 * @param doing - what the server was asked to do, such as `read the logs of Pod shop/web`
 */
export function refusal(code: ErrorCode, doing: string, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.status === 403) return forbidden(doing, error);
  return new JestKubernetesError(code, `Cannot ${doing}`, { evidence: [error.message], cause: error });
}

/** Reads an object, or a list, of a target. @throws JestKubernetesError FORBIDDEN; TARGET_INVALID where it is not there */
export async function read<T>(api: Api, path: string, located: Located, signal: AbortSignal): Promise<T> {
  try {
    return await api.request<T>(path, { signal });
  } catch (error) {
    if (error instanceof ApiError && isGone(error.status)) throw await notThere(api, located, signal, error);
    throw refusal('TARGET_INVALID', `read ${describeTarget(located)}`, error);
  }
}

/** There is no such object: which there are instead. */
export async function notThere(
  api: Api,
  located: Located,
  signal: AbortSignal,
  cause?: unknown,
): Promise<JestKubernetesError> {
  const { kind, namespace, name = '', collection } = located;
  const names = await api
    .request<{ items: { metadata: { name: string } }[] }>(`${collection}?limit=100`, { signal })
    .then(({ items }) => items.map(({ metadata }) => metadata.name))
    .catch(() => []);
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  const others = names.slice(0, namesTold).join(', ') + (names.length > namesTold ? ', …' : '');
  const meant = nearest(name, names);
  return new JestKubernetesError('TARGET_INVALID', `There is no ${describeTarget(located)}`, {
    evidence: [names.length === 0 ? `there is no ${kind} at all${where}` : `there is${where}: ${others}`],
    remedy: meant === undefined ? undefined : `Did you mean ${meant}?`,
    cause,
  });
}

/** The words of a web socket that was refused, as {@link refusal} has them. */
export function socketRefusal(doing: string, error: Error): JestKubernetesError {
  const message = messageOf(error);
  if (/forbidden|server response: 403/i.test(message)) return forbidden(doing, error);
  return new JestKubernetesError('EXEC_FAILED', `Cannot ${doing}`, { evidence: [message], cause: error });
}
