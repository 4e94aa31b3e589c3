import { randomBytes } from 'node:crypto';

import type { PostgresConfig } from '../config/index.js';
import {
  type Api,
  type ClusterAccess,
  isGone,
  isReady,
  openApi,
  type Pod,
  unless,
} from '../kubernetes/index.js';
import type { Progress } from '../report/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError } from '../support/errors.js';

/*
 * A server's first start makes its files: initdb, and whatever the image sets up after it, take seconds on a machine that boots
 * a cluster meanwhile. The node that a snapshot is made of goes through it once, and every server of its clones begins with a
 * copy of what came of it, and a password of its own.
 */

/** Of the node: whose files it has. */
const annotation = 'jest-kubernetes/postgres';
/** On the node, and in a pod: a folder that is called after the superuser. */
const nodePath = '/jest-kubernetes/postgres';
const folder = '/jest-kubernetes-initialized';

/** What decides how a server's files begin. */
export type FirstStart = Pick<PostgresConfig, 'image' | 'user'>;

const textOf = ({ image, user }: FirstStart): string => `${user} ${image}`;

/** What both starts ask for. */
export const initialEnv = [
  { name: 'POSTGRES_DB', value: 'postgres' },
  { name: 'POSTGRES_INITDB_ARGS', value: '--encoding=UTF8 --no-sync' },
];

const podName = 'jest-kubernetes-postgres';
const podPath = `/api/v1/namespaces/default/pods/${podName}`;

const initializer = ({ image, user }: FirstStart, node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: podName, namespace: 'default' },
  spec: {
    nodeName: node,
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
    containers: [
      {
        name: 'postgres',
        image,
        imagePullPolicy: 'IfNotPresent',
        args: ['postgres', '-c', 'fsync=off'],
        env: [
          ...initialEnv,
          { name: 'POSTGRES_USER', value: user },
          { name: 'POSTGRES_PASSWORD', value: randomBytes(18).toString('base64url') },
          { name: 'PGDATA', value: `${folder}/${user}` },
        ],
        readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1, failureThreshold: 3 },
        volumeMounts: [{ name: 'initialized', mountPath: folder }],
      },
    ],
    volumes: [{ name: 'initialized', hostPath: { path: nodePath, type: 'DirectoryOrCreate' } }],
  },
});

export interface InitializeOptions {
  /** What Kubernetes calls the node. */
  node: string;
  signal: AbortSignal;
  progress: Progress;
}

/**
 * Has an image make a server's files on a node, for the servers that it is to start with later.
 * @throws JestKubernetesError POSTGRES_FAILED where the image ends instead of serving
 */
export async function initializePostgres(
  access: ClusterAccess,
  first: FirstStart,
  { node, signal, progress }: InitializeOptions,
): Promise<void> {
  using api = openApi(access, { signal });
  await api.request('/api/v1/namespaces/default/pods', {
    method: 'POST',
    body: initializer(first, node),
    signal,
  });
  progress.waitingFor(`the first start of ${first.image}`);
  for (;;) {
    const pod = await api.request<Pod>(podPath, { signal });
    if (isReady(pod)) break;
    if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') {
      throw new JestKubernetesError('POSTGRES_FAILED', `${first.image} ends when it is started`);
    }
    await pause(200, signal);
  }
  await remove(api, signal);
  await api.request(`/api/v1/nodes/${node}`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [annotation]: textOf(first) } } },
    signal,
  });
}

/** Told to end in order, and waited for. */
async function remove(api: Api, signal: AbortSignal): Promise<void> {
  const deleting = api.request(podPath, { method: 'DELETE', body: { gracePeriodSeconds: 30 }, signal });
  await unless(isGone, deleting);
  while ((await unless(isGone, api.request<Pod>(podPath, { signal }))) !== undefined)
    await pause(200, signal);
}

/** Whether a node has files for such a server. */
export async function isInitialized(
  api: Api,
  first: FirstStart,
  { node, signal }: Omit<InitializeOptions, 'progress'>,
): Promise<boolean> {
  const path = `/api/v1/nodes/${node}`;
  const { metadata } = await api.request<{ metadata: { annotations?: Record<string, string> } }>(path, {
    signal,
  });
  return metadata.annotations?.[annotation] === textOf(first);
}

/**
 * Begins with a copy of the files that are there, as long as they are of the server's own release and user, and gives the user
 * its password; the copy comes to its place in one step. Where any of that fails, the image's entry point does what it
 * always does.
 */
const begin = String.raw`
from=${folder}/$POSTGRES_USER new=$PGDATA.new quote="'"
copy() {
  rm -rf "$new" && cp -a "$from" "$new" &&
    printf "ALTER ROLE \"%s\" PASSWORD '%s';\n\n" "$POSTGRES_USER" "${'$'}{POSTGRES_PASSWORD//$quote/$quote$quote}" |
    "$(command -v gosu || command -v su-exec)" postgres postgres --single -j -F -c wal_level=minimal -c max_wal_senders=0 -D "$new" postgres >/dev/null &&
    mv "$new" "$PGDATA"
}
if [ ! -e "$PGDATA" ] && [ "$(cat "$from/PG_VERSION")" = "$PG_MAJOR" ]; then
  copy || rm -rf "$new"
fi
exec docker-entrypoint.sh "$@"
`;

/** What the server's pod has besides. */
interface Beginning {
  command: string[] | undefined;
  volumeMounts: object[];
  volumes: object[];
}

/** By the image's own entry point alone. */
export const asImageDoes: Beginning = { command: undefined, volumeMounts: [], volumes: [] };

/** On a node that has files to begin with. */
export const fromInitialized: Beginning = {
  command: ['bash', '-c', begin, 'bash'],
  volumeMounts: [{ name: 'initialized', mountPath: folder, readOnly: true }],
  volumes: [{ name: 'initialized', hostPath: { path: nodePath, type: 'Directory' } }],
};
