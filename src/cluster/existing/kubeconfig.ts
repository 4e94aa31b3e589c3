import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import type { KubeConfig } from '@kubernetes/client-node';

import type { ClusterConfig } from '../../config/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';

/** The files that a user's kubectl would read: the one configured, else `KUBECONFIG`'s, else `~/.kube/config`. */
function sourcesOf(cluster: Pick<ClusterConfig, 'kubeconfig'>, env: NodeJS.ProcessEnv): string[] {
  if (cluster.kubeconfig !== undefined) return [cluster.kubeconfig];
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

/**
 * The kubeconfig of an existing cluster, cut down to the one context that is used.
 * @throws JestKubernetesError CLUSTER_UNREACHABLE where a file is missing, unreadable, or without that context
 */
export async function existingKubeConfig(
  cluster: Pick<ClusterConfig, 'kubeconfig' | 'context'>,
  env: NodeJS.ProcessEnv,
): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const files = sourcesOf(cluster, env);
  const all = new KubeConfig();
  const wrong = (what: string, evidence: string[], remedy: string, cause?: unknown): JestKubernetesError =>
    new JestKubernetesError('CLUSTER_UNREACHABLE', what, { evidence, remedy, cause });
  const found = files.filter((file) => existsSync(file));
  if (found.length === 0) {
    throw wrong(
      'There is no kubeconfig for the existing cluster',
      files.map((file) => `${file} does not exist`),
      'Set cluster.kubeconfig to its path.',
    );
  }
  try {
    for (const file of found) {
      const one = new KubeConfig();
      one.loadFromFile(file);
      all.mergeConfig(one, true);
      all.currentContext ||= one.currentContext;
    }
  } catch (error) {
    throw wrong(
      'The kubeconfig of the existing cluster cannot be read',
      [`${found.join(', ')}: ${messageOf(error)}`],
      'Set cluster.kubeconfig to a kubeconfig that kubectl accepts.',
      error,
    );
  }
  const name = cluster.context ?? all.currentContext;
  const context = all.getContextObject(name);
  const itsCluster = context && all.getCluster(context.cluster);
  const itsUser = context && all.getUser(context.user);
  if (!itsCluster || !itsUser) {
    const known = all.contexts.map((each) => each.name).join(', ') || 'none';
    throw wrong(
      name === ''
        ? 'The kubeconfig names no current context'
        : `The kubeconfig has no whole context “${name}”`,
      [`read: ${found.join(', ')}`, `contexts in it: ${known}`],
      'Set cluster.context to one of them.',
    );
  }
  const one = new KubeConfig();
  one.loadFromOptions({
    clusters: [itsCluster],
    users: [itsUser],
    contexts: [context],
    currentContext: name,
  });
  return one;
}
