import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { PostgresConfig } from '../config/config.js';
import {
  ApiError,
  Kinds,
  apply,
  fieldManager,
  openApi,
  patienceWith,
  type Api,
  type ClusterAccess,
  type KubernetesObject,
} from '../kubernetes/index.js';
import type { Progress } from '../report/progress.js';
import { orAborted } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { sqlState, sqlStateOf, withConnection } from './databases.js';
import type { PostgresAddress } from './databases.js';
import { firstPod, postgresName, postgresNamespace, postgresObjects, serverAnnotation } from './objects.js';
import type { PostgresPlacement } from './objects.js';

/** A server as the cluster knows it. */
export interface PostgresServer {
  namespace: string;
  /** Both from the cluster's Secret: the server's superuser. */
  user: string;
  password: string;
}

interface Steps {
  signal: AbortSignal;
  progress: Progress;
}

/**
 * Makes the server's objects, or finds the server that another run made. Needs no more than an API server that
 * answers, and does not wait for the pod. The password is the cluster's: the first run's.
 *
 * @param options.imageThere - the pod is not asked for before: a kubelet that does not find the image goes to the
 *   registry for it, and then waits, longer each time, before it looks again
 * @throws JestKubernetesError CONFIG_CONFLICT where the server there was made with another image, other
 *   settings or another password; MANIFEST_FAILED where the API server refuses an object
 */
export async function deployPostgres(
  access: ClusterAccess,
  config: PostgresConfig,
  {
    signal,
    progress,
    imageThere,
    ...placement
  }: PostgresPlacement & Steps & { imageThere?: Promise<unknown> | undefined },
): Promise<PostgresServer> {
  using api = openApi(access, { retry: false });
  const kinds = new Kinds(api);
  const password = config.password ?? randomBytes(18).toString('base64url');
  const objects = postgresObjects(config, password, placement);
  const namespace = placement.namespace ?? postgresNamespace;
  let server: Omit<PostgresServer, 'namespace'> | undefined;

  for (const object of objects) {
    if (object.kind === 'StatefulSet' && imageThere !== undefined) {
      progress.waitingFor(`${config.image} to be in the cluster`);
      await orAborted(imageThere, signal);
    }
    progress.waitingFor(`the API server to take ${object.kind} ${object.metadata.name}`);
    await granted(object, signal, async () => {
      if (object.kind === 'Secret') server = await createOrReadSecret(api, kinds, object, signal);
      else if (object.kind === 'StatefulSet')
        await createOrCompare(api, kinds, object, placement.node, signal);
      else await apply(api, kinds, object, signal);
    });
    progress.moved(`${object.kind} ${object.metadata.name}`);
  }
  if (server === undefined) throw new Error('the objects of PostgreSQL hold no Secret');
  if (config.password !== undefined && server.user === config.user && server.password !== config.password) {
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      `The PostgreSQL of ${access.name} was made with another password for ${config.user}`,
      { remedy: 'Use the same postgres.password in every package, or none: then it is a random one.' },
    );
  }
  return { ...server, namespace };
}

async function granted(
  object: KubernetesObject,
  signal: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof JestKubernetesError) throw error;
      if (performance.now() - start >= patienceWith(error)) {
        const name = `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
        throw new JestKubernetesError('MANIFEST_FAILED', `PostgreSQL’s ${name} was refused`, {
          evidence: [messageOf(error)],
          cause: error,
        });
      }
      await delay(250, undefined, { signal });
    }
  }
}

/** Created, never changed: of two runs at once, the second reads what the first one wrote. */
async function createOrReadSecret(
  api: Api,
  kinds: Kinds,
  secret: KubernetesObject,
  signal: AbortSignal,
): Promise<Omit<PostgresServer, 'namespace'>> {
  await create(api, kinds, secret, signal);
  const { data } = await api.request<{ data: Record<string, string> }>(await kinds.pathOf(secret, signal), {
    signal,
  });
  const decoded = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { user: decoded('user'), password: decoded('password') };
}

async function createOrCompare(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  node: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (await create(api, kinds, object, signal)) {
    if (node !== undefined) await create(api, kinds, firstPod(object, node), signal);
    return;
  }
  const { metadata } = await api.request<KubernetesObject>(await kinds.pathOf(object, signal), { signal });
  const present = metadata.annotations?.[serverAnnotation] ?? '{}';
  const wanted = object.metadata.annotations?.[serverAnnotation] ?? '{}';
  if (present === wanted) return;
  const [there, here] = [present, wanted].map((text) => JSON.parse(text) as Record<string, unknown>);
  const differences = Object.keys({ ...there, ...here })
    .map((key) => ({ key, there: JSON.stringify(there?.[key]), here: JSON.stringify(here?.[key]) }))
    .filter((entry) => entry.there !== entry.here)
    .map(({ key, there: made, here: asked }) => `postgres.${key}: ${made} there, ${asked} asked for`);
  throw new JestKubernetesError(
    'CONFIG_CONFLICT',
    'The cluster’s PostgreSQL was made with a different configuration, and others may be using it',
    {
      evidence: differences,
      remedy: 'Give the packages that share a cluster the same postgres options, or separate cluster names.',
    },
  );
}

/** @returns false where it is there already */
async function create(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  signal: AbortSignal,
): Promise<boolean> {
  const path = await kinds.pathOf(object, signal);
  const collection = path.slice(0, path.lastIndexOf('/'));
  try {
    await api.request(`${collection}?fieldManager=${fieldManager}`, { method: 'POST', body: object, signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'AlreadyExists') return false;
    throw error;
  }
}

export interface WaitOptions extends Steps {
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
  { signal, progress, namespace = postgresNamespace, watch }: WaitOptions,
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
