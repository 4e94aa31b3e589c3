import { readFileSync } from 'node:fs';
import path from 'node:path';

import { yaml } from '../support/native.js';
import type { ClusterAccess } from './access.js';

/** A cluster as a kubeconfig writes it; of the keys, those that are looked at here. */
export interface KubeconfigCluster {
  server: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

/** A user as a kubeconfig writes it; of the keys, those that are looked at here. */
export interface KubeconfigUser {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  'as-user-extra'?: Record<string, string[]>;
  exec?: { command?: string };
  'auth-provider'?: object;
}

/** By which names a context goes. */
interface Names {
  cluster: string;
  user: string;
  namespace?: string;
}

/** What one or more kubeconfigs hold, by name. */
export interface Kubeconfig {
  clusters: Map<string, KubeconfigCluster>;
  users: Map<string, KubeconfigUser>;
  contexts: Map<string, Names>;
  currentContext: string | undefined;
}

/** One context, with the cluster and the user that it names. */
export interface KubeconfigContext {
  name: string;
  names: Names;
  cluster: KubeconfigCluster;
  user: KubeconfigUser;
}

/**
 * Reads kubeconfigs as kubectl does: of a name that several of them have, the first file's is taken, and a path in a
 * file is relative to that file.
 * @throws where a file cannot be read, or is no kubeconfig
 */
export function readKubeconfig(...files: readonly string[]): Kubeconfig {
  const all: Kubeconfig = {
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    currentContext: undefined,
  };
  for (const file of files) {
    const written = contentOf(file);
    const folder = path.dirname(file);
    collect(written.clusters, 'cluster', all.clusters, (cluster) =>
      withPaths(cluster, ['certificate-authority'], folder),
    );
    collect(written.users, 'user', all.users, (user) => userIn(folder, user));
    collect(written.contexts, 'context', all.contexts, (context) => context);
    all.currentContext ??= written['current-context'] || undefined;
  }
  return all;
}

/** Undefined where the kubeconfig has no such context, or not the cluster or the user that it names. */
export function contextOf(config: Kubeconfig, name: string): KubeconfigContext | undefined {
  const names = config.contexts.get(name);
  if (names === undefined) return undefined;
  const cluster = config.clusters.get(names.cluster);
  const user = config.users.get(names.user);
  return cluster?.server && user ? { name, names, cluster, user } : undefined;
}

/** @throws where the kubeconfig cannot be read, or has no such context */
export function contextAt({
  kubeconfig,
  context,
}: Pick<ClusterAccess, 'kubeconfig' | 'context'>): KubeconfigContext {
  const found = contextOf(readKubeconfig(kubeconfig), context);
  if (found === undefined) throw new Error(`${kubeconfig} has no cluster and user for ${context}`);
  return found;
}

/** A kubeconfig, as JSON, that knows this context alone. */
export function writtenContext({ name, names, cluster, user }: KubeconfigContext): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: names.cluster, cluster }],
    users: [{ name: names.user, user }],
    contexts: [{ name, context: names }],
    'current-context': name,
  });
}

interface Written {
  clusters?: unknown;
  users?: unknown;
  contexts?: unknown;
  'current-context'?: string;
}

function contentOf(file: string): Written {
  const text = readFileSync(file, 'utf8');
  // what this package writes itself is JSON, which is read without a parser to load
  const content: unknown = text.startsWith('{') ? JSON.parse(text) : yaml().parse(text);
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object') throw new Error(`${file} is no kubeconfig`);
  return content;
}

function collect<T>(list: unknown, key: string, into: Map<string, T>, read: (written: T) => T): void {
  if (!Array.isArray(list)) return;
  for (const entry of list as ({ name?: string } & Record<string, unknown>)[]) {
    if (entry.name === undefined || into.has(entry.name)) continue;
    into.set(entry.name, read((entry[key] ?? {}) as T));
  }
}

function withPaths<T extends object>(written: T, keys: readonly (keyof T)[], folder: string): T {
  const read = { ...written };
  for (const key of keys) {
    const file = read[key];
    if (typeof file === 'string' && file !== '') Object.assign(read, { [key]: path.resolve(folder, file) });
  }
  return read;
}

function userIn(folder: string, written: KubeconfigUser): KubeconfigUser {
  const user = withPaths(written, ['client-certificate', 'client-key', 'tokenFile'], folder);
  // a mere name is looked for in PATH
  if (user.exec?.command?.includes('/') === true) user.exec = withPaths(user.exec, ['command'], folder);
  return user;
}
