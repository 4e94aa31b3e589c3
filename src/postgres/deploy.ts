import { randomBytes } from 'node:crypto';

import type { PostgresConfig } from '../config/index.js';
import {
  type Api,
  ApiError,
  apply,
  claim,
  type ClusterAccess,
  fieldManager,
  Kinds,
  type KubernetesObject,
  openApi,
  type Owner,
  packageNamespace,
  patienceWith,
} from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { isInitialized } from './initialized.js';
import { firstPod, postgresObjects, type PostgresPlacement, serverAnnotation } from './objects.js';

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
 * Makes all of the server's objects but what starts it, or finds those that another run made. Needs no more than an API
 * server that answers. The password is the cluster's: the first run's.
 * @throws JestKubernetesError CONFIG_CONFLICT where the server there was made with another password; MANIFEST_FAILED
 *   where the API server refuses an object
 */
export async function deployPostgres(
  access: ClusterAccess,
  config: PostgresConfig,
  { signal, progress, ...placement }: PostgresPlacement & Steps,
): Promise<PostgresServer> {
  using api = openApi(access, { retry: false });
  const kinds = new Kinds(api);
  const password = config.password ?? randomBytes(18).toString('base64url');
  let server: Omit<PostgresServer, 'namespace'> | undefined;
  for (const object of postgresObjects(config, password, placement)) {
    if (object.kind === 'StatefulSet') continue;
    await granted(object, { signal, progress }, async () => {
      if (object.kind === 'Secret') server = await createOrReadSecret(api, kinds, object, signal);
      else if (object.kind === 'Namespace' && placement.owner !== undefined)
        await claimNamespace(api, kinds, object, { owner: placement.owner, signal });
      else await apply(api, kinds, object, { signal });
    });
  }
  if (server === undefined) throw new Error('the objects of PostgreSQL hold no Secret');
  if (config.password !== undefined && server.user === config.user && server.password !== config.password) {
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      `The PostgreSQL of ${access.name} was made with another password for ${config.user}`,
      { remedy: 'Use the same postgres.password in every package, or none: then it is a random one.' },
    );
  }
  return { ...server, namespace: placement.namespace ?? packageNamespace };
}

/**
 * Starts the server, or finds the one that another run has started, and does not wait for it. Its image must be in the
 * cluster: a kubelet that does not find it goes to the registry for it, and then waits, longer each time, before it
 * looks again.
 * @throws JestKubernetesError CONFIG_CONFLICT where the server there was made with another image or other settings;
 *   MANIFEST_FAILED where the API server refuses it
 */
export async function startPostgres(
  access: ClusterAccess,
  config: PostgresConfig,
  { signal, progress, ...placement }: PostgresPlacement & Steps,
): Promise<void> {
  using api = openApi(access, { retry: false });
  const kinds = new Kinds(api);
  const { node } = placement;
  // one that does not tell has none: the server then makes its own
  const there = node !== undefined && (await isInitialized(api, config, { node, signal }).catch(() => false));
  for (const object of postgresObjects(config, '', { ...placement, isInitialized: there })) {
    if (object.kind !== 'StatefulSet') continue;
    await granted(object, { signal, progress }, () => createOrCompare(api, kinds, object, node, signal));
  }
}

async function granted(
  object: KubernetesObject,
  { signal, progress }: Steps,
  attempt: () => Promise<void>,
): Promise<void> {
  const start = performance.now();
  progress.waitingFor(`the API server to take ${object.kind} ${object.metadata.name}`);
  for (;;) {
    try {
      await attempt();
      progress.moved(`${object.kind} ${object.metadata.name}`);
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
      await pause(250, signal);
    }
  }
}

/** In a cluster that is not ours: one that others have made is not used, as it would not go, or go with others. */
async function claimNamespace(
  api: Api,
  kinds: Kinds,
  object: KubernetesObject,
  claimant: { owner: Owner; signal: AbortSignal },
): Promise<void> {
  const standing = await claim(api, kinds, object, claimant);
  if (standing.is === 'ours') return;
  throw new JestKubernetesError(
    'MANIFEST_CONFLICT',
    `The namespace ${object.metadata.name}, which PostgreSQL is to have, somebody else has made`,
    {
      evidence: standing.is === 'in the way' ? [standing.why] : [],
      remedy: 'Delete it if nobody uses it, or run the tests again: they then ask for another.',
    },
  );
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
