import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  Agent as HttpAgent,
  type OutgoingHttpHeaders,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import {
  Agent as HttpsAgent,
  request as httpsRequest,
  type RequestOptions as HttpsRequestOptions,
} from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';

import { kubernetesClient } from '../support/native.js';
import {
  type KubeconfigCluster,
  type KubeconfigContext,
  type KubeconfigUser,
  writtenContext,
} from './kubeconfig.js';

/**
 * How long a connection may be idle before it is given up, in milliseconds: less than servers and balancers give it, as
 * a request on one that they close meanwhile fails.
 */
const idleLimit = 15_000;

/** How requests reach a server, and who they say they are from. */
export interface Connection extends Disposable {
  /** Without a slash at the end. */
  readonly server: string;
  readonly send: typeof httpRequest;
  /** Of one request, as what a user is known by may change meanwhile. */
  options(): Promise<RequestOptions>;
  /** The same, for the client library's own calls; it is loaded now. */
  kubeConfig(): KubeConfig;
}

/** The client library takes longer to load than a join may take: it is asked only for what only it can do. */
const needsLibrary = ({ cluster, user }: KubeconfigContext): boolean =>
  [cluster['proxy-url'], user.exec, user['auth-provider']].some(Boolean);

export function connectionTo(context: KubeconfigContext): Connection {
  const server = context.cluster.server.replace(/\/$/, '');
  const secure = server.startsWith('https:');
  const kept = { keepAlive: true, timeout: idleLimit };
  const agent = secure ? new HttpsAgent(kept) : new HttpAgent(kept);
  let library: KubeConfig | undefined;
  const kubeConfig = (): KubeConfig => {
    library ??= libraryConfig(context);
    renewToken(library, context.user);
    return library;
  };
  const identify = needsLibrary(context) ? identifyByLibrary(context, kubeConfig) : identifyBy(context);

  return {
    server,
    send: secure ? httpsRequest : httpRequest,
    // an agent that is given (a proxy's) comes before this one, which is kept for as long as the connection
    options: async () => ({ agent, ...(await identify()) }),
    kubeConfig,
    [Symbol.dispose]: () => {
      agent.destroy();
    },
  };
}

function identifyBy({ cluster, user }: KubeconfigContext): () => Promise<HttpsRequestOptions> {
  const tls = tlsOf(cluster, user);
  const impersonation = impersonationOf(user);
  return async () => {
    const authorization = await authorizationOf(user);
    const headers = { ...impersonation, ...(authorization === undefined ? {} : { authorization }) };
    return { ...tls, headers };
  };
}

function identifyByLibrary(
  { cluster, user }: KubeconfigContext,
  kubeConfig: () => KubeConfig,
): () => Promise<HttpsRequestOptions> {
  const impersonation = impersonationOf(user);
  return async () => {
    const options: HttpsRequestOptions = {};
    await kubeConfig().applyToHTTPSOptions(options);
    // its agent knows the way through a proxy; otherwise ours, which keeps connections
    const { agent, ...others } = options;
    const headers = { ...(options.headers as OutgoingHttpHeaders | undefined), ...impersonation };
    return { ...others, headers, ...(cluster['proxy-url'] ? { agent } : {}) };
  };
}

function tlsOf(cluster: KubeconfigCluster, user: KubeconfigUser): HttpsRequestOptions {
  return {
    ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: pem(user['client-certificate-data'], user['client-certificate']),
    key: pem(user['client-key-data'], user['client-key']),
    servername: cluster['tls-server-name'],
    // else Node's own default, which NODE_TLS_REJECT_UNAUTHORIZED sets
    ...(cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
  };
}

/** As with kubectl, what is written there comes before what is referred to. */
function pem(data: string | undefined, file: string | undefined): Buffer | undefined {
  if (data) return Buffer.from(data, 'base64');
  return file ? readFileSync(file) : undefined;
}

async function authorizationOf({ token, tokenFile, username, password = '' }: KubeconfigUser) {
  // read each time: whoever writes it renews it while it is used
  const current = tokenFile ? (await readFile(tokenFile, 'utf8')).trim() : token;
  if (current) return `Bearer ${current}`;
  return username ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : undefined;
}

function impersonationOf(user: KubeconfigUser): Record<string, string | string[]> {
  const extra = Object.entries(user['as-user-extra'] ?? {}).map(
    ([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, values] as const,
  );
  const all: [string, string | string[] | undefined][] = [
    ['impersonate-user', user.as],
    ['impersonate-uid', user['as-uid']],
    ['impersonate-group', user['as-groups']],
  ];
  return Object.fromEntries(
    [...all, ...extra].filter((header): header is [string, string | string[]] => header[1] !== undefined),
  );
}

function libraryConfig(context: KubeconfigContext): KubeConfig {
  const config = new (kubernetesClient().KubeConfig)();
  config.loadFromString(writtenContext(context));
  return config;
}

/** The library knows no `tokenFile`. */
function renewToken(config: KubeConfig, { tokenFile }: KubeconfigUser): void {
  const user = config.getCurrentUser();
  if (tokenFile && user) Object.assign(user, { token: readFileSync(tokenFile, 'utf8').trim() });
}
