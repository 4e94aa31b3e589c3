import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';

import { parse, stringify } from 'yaml';

import type { ClusterAccess } from '../../kubernetes/index.js';

interface KubeConfig {
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

export function accessIn(directory: string, name: string): ClusterAccess {
  return { name, kubeconfig: path.join(directory, 'kubeconfig'), context: `kind-${name}` };
}

/**
 * Writes a cluster's kubeconfig, with the names that kind gives, from the node's own admin.conf.
 * @param port - where the API server is published on 127.0.0.1
 */
export async function writeKubeconfig(access: ClusterAccess, adminConf: string, port: number): Promise<void> {
  const { clusters, users } = parse(adminConf) as KubeConfig;
  const name = access.context;
  const text = stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: clusters.map(({ cluster }) => ({
        name,
        cluster: { ...cluster, server: `https://127.0.0.1:${port}` },
      })),
      users: users.map(({ user }) => ({ name, user })),
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
  const temporary = `${access.kubeconfig}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, access.kubeconfig);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A connection to an API server, for the few questions that a creation asks; to be disposed of. */
export interface ApiConnection extends Disposable {
  /** @returns the status and the body. @throws the socket's error, or one that says that no answer came */
  get(resource: string, signal?: AbortSignal): Promise<Answer>;
  /** Sends an object as JSON. As {@link get}. */
  post(resource: string, object: object, signal?: AbortSignal): Promise<Answer>;
}

interface Answer {
  status: number;
  body: string;
}

/** How long one question may go without an answer, in milliseconds. */
const answerLimit = 5000;

/** Uses Node's own https: the Kubernetes client takes longer to load than a join may take. */
export async function connect(kubeconfig: string): Promise<ApiConnection> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as KubeConfig;
  const cluster = clusters[0]?.cluster;
  const user = users[0]?.user;
  if (cluster === undefined || user === undefined)
    throw new Error(`${kubeconfig} names no cluster or no user`);
  const agent = new https.Agent({
    keepAlive: true,
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    cert: Buffer.from(user['client-certificate-data'], 'base64'),
    key: Buffer.from(user['client-key-data'], 'base64'),
  });
  const send = (resource: string, object: object | undefined, signal?: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const late = AbortSignal.timeout(answerLimit);
      const bound = signal === undefined ? late : AbortSignal.any([signal, late]);
      const options =
        object === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' } };
      https
        .request(new URL(resource, cluster.server), { ...options, agent, signal: bound }, (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (body += chunk));
          response.on('error', reject);
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body });
          });
        })
        .on('error', (error) => {
          reject(
            late.aborted ? new Error(`no answer within ${answerLimit / 1000} s`, { cause: error }) : error,
          );
        })
        .end(object === undefined ? undefined : JSON.stringify(object));
    });
  return {
    get: (resource, signal) => send(resource, undefined, signal),
    post: send,
    [Symbol.dispose]: () => {
      agent.destroy();
    },
  };
}
