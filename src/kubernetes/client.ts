import type { IncomingMessage } from 'node:http';

import type { KubeConfig } from '@kubernetes/client-node';

import { orAborted } from '../support/abort.js';
import type { ClusterAccess } from './access.js';
import { ApiError, apiErrorIn, apiErrorInEvent } from './api-error.js';
import { Bound } from './bound.js';
import { type Connection, connectionTo } from './connection.js';
import { contextAt, type KubeconfigContext } from './kubeconfig.js';
import { isCut, retried } from './retry.js';

/** How long one request may take, in milliseconds. */
const usualLimit = 30_000;

/** How a client asks, unless a request says otherwise. */
export interface ApiDefaults {
  /** How long one request may take, all attempts together, in milliseconds. Default: 30 s. */
  limit?: number | undefined;
  /** Whether what passes by itself is tried again; not for a caller with a patience of its own. Default: true. */
  retry?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface ApiRequest extends ApiDefaults {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON, exactly as it is. */
  body?: unknown;
  contentType?: string;
  /** Default: JSON, else whatever there is. */
  accept?: string;
  /** Beside those that say who asks. */
  headers?: Readonly<Record<string, string | string[]>>;
  /**
   * Whether it may be sent again where it may have been done; not where a second time is answered otherwise than the
   * first, as a PUT under a resourceVersion is. Default: all but POST.
   */
  repeatable?: boolean;
}

export interface WatchRequest extends ApiDefaults {
  /** What was read last; without it the watch begins with what is there. */
  resourceVersion?: string | undefined;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

/**
 * The API server that a kubeconfig's context names, spoken to in plain JSON, over connections that are kept. The client
 * library's typed calls drop what their generated models do not know (a CRD's `x-kubernetes-…` keys, fields newer than
 * the library), and lower-case names.
 * @throws where the kubeconfig cannot be read, or has no such context
 */
export function openApi(access: ClusterAccess, defaults?: ApiDefaults): Api {
  return new Api(contextAt(access), defaults);
}

/** See {@link openApi}; to be disposed of when it is not used any more. */
export class Api implements Disposable {
  /** The namespace of the context, else `default`. */
  readonly namespace: string;
  readonly #connection: Connection;
  readonly #defaults: ApiDefaults;
  #isDisposed = false;
  #clock: { date: number; at: number } | undefined;

  constructor(context: KubeconfigContext, defaults: ApiDefaults = {}) {
    this.namespace = context.names.namespace || 'default';
    this.#connection = connectionTo(context);
    this.#defaults = defaults;
  }

  /** What time it is by the server's clock, in milliseconds since the epoch; undefined where it has not said. */
  get now(): number | undefined {
    return this.#clock && this.#clock.date + performance.now() - this.#clock.at;
  }

  /** The same server, as `@kubernetes/client-node` knows it, for its web sockets; the library is loaded now. */
  kubeConfig(): KubeConfig {
    return this.#connection.kubeConfig();
  }

  /**
   * @throws ApiError for an answer other than 2xx; the signal's reason; NoAnswer at the limit; else the connection's own
   *   error
   */
  async request<T>(path: string, options: ApiRequest = {}): Promise<T> {
    const text = await this.text(path, options);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      const words = text.slice(0, 200);
      throw new Error(`the answer to ${options.method ?? 'GET'} ${path} is no JSON: ${words}`, {
        cause: error,
      });
    }
  }

  /** The answer as it is, such as a log. Throws as {@link request} does. */
  async text(path: string, options: ApiRequest = {}): Promise<string> {
    using bound = this.#bound(options);
    return await this.#answer(path, options, bound, textOf);
  }

  /**
   * What happens to the objects of a collection, as it happens. It ends when the server ends it or the connection breaks,
   * either of which it does now and then; whoever wants to go on watches again from the resourceVersion seen last.
   * The limit is for its beginning alone.
   * @throws ApiError with the status 410 where the resourceVersion is too old, so that all must be read anew; as
   *   {@link request} does; the signal's reason
   */
  async *watch<T>(
    path: string,
    { resourceVersion, ...options }: WatchRequest = {},
  ): AsyncGenerator<WatchEvent<T>> {
    const query = new URLSearchParams({ watch: 'true', ...(resourceVersion && { resourceVersion }) });
    const whole = `${path}${path.includes('?') ? '&' : '?'}${query.toString()}`;
    for await (const line of this.#lines(whole, options)) {
      if (line === '') continue;
      const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: object };
      if (event.type === 'ERROR') throw apiErrorInEvent(event.object);
      yield event;
    }
  }

  /**
   * An answer's lines, as they come. It ends when the server ends it, or the connection breaks. The limit is for its
   * beginning alone. Throws as {@link request} does.
   */
  async *lines(path: string, options: ApiDefaults = {}): AsyncGenerator<string> {
    const rest = yield* this.#lines(path, options);
    if (rest !== '') yield rest;
  }

  /** @returns what comes after the last line's end */
  async *#lines(path: string, options: ApiDefaults): AsyncGenerator<string, string> {
    using bound = this.#bound(options);
    const response = await this.#answer(path, options, bound, (begun) => Promise.resolve(begun));
    bound.lift();
    try {
      return yield* linesOf(response);
    } catch (error) {
      bound.signal.throwIfAborted();
      if (!isCut(error)) throw error;
      return '';
    } finally {
      response.destroy();
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#connection[Symbol.dispose]();
  }

  #bound({ limit, signal }: ApiDefaults): Bound {
    return new Bound(limit ?? this.#defaults.limit ?? usualLimit, signal ?? this.#defaults.signal);
  }

  async #answer<T>(
    path: string,
    options: ApiRequest,
    bound: Bound,
    take: (response: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const { repeatable = options.method !== 'POST', retry = this.#defaults.retry ?? true } = options;
    const attempt = async (): Promise<T> => {
      bound.signal.throwIfAborted();
      if (this.#isDisposed) throw new Error(`nothing more is asked of ${this.#connection.server}`);
      const response = await this.#send(path, options, bound.signal);
      const date = Date.parse(response.headers.date ?? '');
      if (!Number.isNaN(date)) this.#clock = { date, at: performance.now() };
      if ((response.statusCode ?? 0) >= 300) throw apiErrorIn(response, await textOf(response));
      return take(response);
    };
    try {
      return await (retry ? retried(attempt, { repeatable, bound }) : attempt());
    } catch (error) {
      if (!(error instanceof ApiError)) bound.signal.throwIfAborted();
      throw error;
    }
  }

  /** @returns the answer as soon as it begins; the signal ends it even then */
  async #send(path: string, options: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { method = 'GET', contentType = 'application/json', accept = 'application/json, */*' } = options;
    const { server, send } = this.#connection;
    // a plugin that asks a person to log in heeds no signal
    const { headers, ...connection } = await orAborted(this.#connection.options(), signal);
    const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const described = body && { 'content-type': contentType, 'content-length': body.length };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = send(`${server}${path}`, {
      ...connection,
      method,
      signal,
      headers: { ...(headers as object | undefined), ...options.headers, accept, ...described },
    });
    // a watch is silent for long, and a server that is gone without a word is noticed by nothing else
    request.setSocketKeepAlive(true, 30_000);
    request.on('response', resolve).on('error', reject).end(body);
    return promise;
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk as string;
  return text;
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string, string> {
  response.setEncoding('utf8');
  let partial = '';
  for await (const chunk of response) {
    const lines = `${partial}${chunk as string}`.split('\n');
    partial = lines.pop() ?? '';
    yield* lines;
  }
  return partial;
}
