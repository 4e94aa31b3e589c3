import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';

import type { ClusterAccess } from './access.js';
import { kubernetesClient } from '../support/native.js';

/** How long one request may take, in milliseconds. */
const requestLimit = 30_000;

/** The API server's own answer to a request that it did not fulfil. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Undefined where the API server's answer is one of these. */
export async function unless<T>(
  expected: (status: number) => boolean,
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && expected(error.status)) return undefined;
    throw error;
  }
}

export const isGone = (status: number): boolean => status === 404;
/** A shared cluster's user may not see every kind; what they may not see, they have not made. */
export const isHidden = (status: number): boolean => status === 403 || isGone(status);

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON, exactly as it is. */
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
}

/**
 * The API server, spoken to in plain JSON. The client library's typed calls drop what their generated
 * models do not know (a CRD's `x-kubernetes-…` keys, fields newer than the library), and lower-case names.
 */
export interface Api {
  readonly config: KubeConfig;
  /** @throws ApiError for an answer other than 2xx; the connection's own error where there is no answer */
  request<T>(path: string, options?: ApiRequest): Promise<T>;
}

export function kubeConfigOf({ kubeconfig, context }: ClusterAccess): KubeConfig {
  const config = new (kubernetesClient().KubeConfig)();
  config.loadFromFile(kubeconfig);
  config.setCurrentContext(context);
  return config;
}

export function openApi(access: ClusterAccess): Api {
  const config = kubeConfigOf(access);
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '');
  if (server === undefined) throw new Error(`${access.kubeconfig} has no cluster for ${access.context}`);
  const send = server.startsWith('https:') ? httpsRequest : httpRequest;

  return {
    config,
    async request<T>(path: string, options: ApiRequest = {}): Promise<T> {
      const connection: RequestOptions = {};
      await config.applyToHTTPSOptions(connection);
      const signals = [AbortSignal.timeout(requestLimit), ...(options.signal ? [options.signal] : [])];
      const body = options.body === undefined ? undefined : JSON.stringify(options.body);
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const request = send(
        `${server}${path}`,
        {
          ...connection,
          method: options.method ?? 'GET',
          signal: AbortSignal.any(signals),
          headers: {
            ...(connection.headers as Record<string, string> | undefined),
            accept: 'application/json',
            ...(body === undefined
              ? {}
              : {
                  'content-type': options.contentType ?? 'application/json',
                  'content-length': Buffer.byteLength(body),
                }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 0;
            if (status >= 300) reject(apiError(status, text));
            else resolve(JSON.parse(text) as T);
          });
        },
      );
      request.on('error', reject);
      request.end(body);
      return promise;
    },
  };
}

function apiError(status: number, text: string): ApiError {
  try {
    const answer = JSON.parse(text) as { message?: string; reason?: string };
    return new ApiError(status, answer.reason ?? '', answer.message ?? text);
  } catch {
    return new ApiError(status, '', text.trim() || `HTTP status ${status}`);
  }
}
