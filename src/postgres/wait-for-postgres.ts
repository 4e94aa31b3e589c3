import { setTimeout as delay } from 'node:timers/promises';

import { type Api, type ClusterAccess, openApi, packageNamespace } from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { type PostgresAddress, sqlState, sqlStateOf, withConnection } from './connection.js';
import { postgresName } from './objects.js';

interface WaitOptions {
  signal: AbortSignal;
  progress: Progress;
  namespace?: string;
  /** Watches for a cause that waiting will not cure, and rejects with it. */
  watch?: (signal: AbortSignal) => Promise<never>;
}

const loginInterval = 100;
const lookInterval = 1000;

/**
 * Waits until a login succeeds. Meanwhile tells what the pod is doing; only what was not seen before counts as
 * progress, so that a pod that crashes over and over stands still. Ends with `signal`'s reason.
 *
 * @throws JestKubernetesError POSTGRES_FAILED where another server answers at the address, or none of ours ever
 *   will; whatever `watch` finds
 */
export async function waitForPostgres(
  access: ClusterAccess,
  address: PostgresAddress,
  { signal, progress, namespace = packageNamespace, watch }: WaitOptions,
): Promise<void> {
  const done = new AbortController();
  const watching = AbortSignal.any([signal, done.signal]);
  using api = openApi(access, { retry: false });
  const watched = watchPods(api, namespace, progress, watching);
  const found = watch?.(watching);
  try {
    await Promise.race([login(address, watching), ...(found === undefined ? [] : [found])]);
  } finally {
    done.abort();
    await Promise.allSettled([watched, found]);
  }
  progress.moved('PostgreSQL answers');
}

async function login(address: PostgresAddress, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await withConnection(address, undefined, (client) => client.query('SELECT 1'));
      return;
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === sqlState.invalidPassword || state === sqlState.invalidAuthorization) {
        throw new JestKubernetesError(
          'POSTGRES_FAILED',
          `PostgreSQL at ${address.host}:${address.port} refuses the cluster’s own user ${address.user}`,
          {
            evidence: [messageOf(error)],
            remedy: `Another PostgreSQL may listen on port ${address.port}: set postgres.hostPort to a free one.`,
            cause: error,
          },
        );
      }
    }
    await delay(loginInterval, undefined, { signal });
  }
}

interface Pod {
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      ready: boolean;
      state?: Record<string, { reason?: string; message?: string } | undefined>;
    }[];
  };
}

interface Event {
  type?: string;
  reason?: string;
  message?: string;
  involvedObject?: { kind?: string };
}

async function watchPods(
  api: Api,
  namespace: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  const base = `/api/v1/namespaces/${namespace}`;
  for (;;) {
    try {
      const labelSelector = encodeURIComponent(`app.kubernetes.io/name=${postgresName}`);
      const pods = await api.request<{ items: Pod[] }>(`${base}/pods?labelSelector=${labelSelector}`, {
        signal,
      });
      const events = await api.request<{ items: Event[] }>(`${base}/events`, { signal });
      const state = pods.items[0] === undefined ? 'its pod to be created' : describePod(pods.items[0]);
      progress.waitingFor(`PostgreSQL: ${state}`);
      const news = [state, ...events.items.map(describeEvent)].filter((line) => !seen.has(line));
      for (const line of news) seen.add(line);
      const latest = news.at(-1);
      if (latest !== undefined) progress.moved(latest);
    } catch (error) {
      if (signal.aborted) return;
      progress.waitingFor(`the API server: ${messageOf(error)}`);
    }
    await delay(lookInterval, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}

function describePod({ status }: Pod): string {
  const [container] = status?.containerStatuses ?? [];
  const [name, details] = Object.entries(container?.state ?? {})[0] ?? [];
  if (name === 'running') return container?.ready === true ? 'the first login' : 'the server to start';
  if (name !== undefined) return [name, details?.reason, details?.message].filter(Boolean).join(', ');
  const blocked = status?.conditions?.find((condition) => condition.status === 'False');
  return [`pod ${(status?.phase ?? 'unknown').toLowerCase()}`, blocked?.reason, blocked?.message]
    .filter(Boolean)
    .join(', ');
}

function describeEvent({ reason = '', message = '' }: Event): string {
  return `${reason}: ${message}`;
}
