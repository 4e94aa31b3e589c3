import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import type { ClusterConfig } from '../../config/index.js';
import {
  contextOf,
  type Kubeconfig,
  type KubeconfigContext,
  readKubeconfig,
} from '../../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';

/** The files that a user's kubectl would read: the one configured, else `KUBECONFIG`'s, else `~/.kube/config`. */
function sourcesOf(cluster: Pick<ClusterConfig, 'kubeconfig'>, env: NodeJS.ProcessEnv): string[] {
  if (cluster.kubeconfig !== undefined) return [cluster.kubeconfig];
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

/**
 * The one context of an existing cluster's kubeconfig that is used.
 * @throws JestKubernetesError CLUSTER_UNREACHABLE where a file is missing, unreadable, or without that context
 */
export function existingContext(
  cluster: Pick<ClusterConfig, 'kubeconfig' | 'context'>,
  env: NodeJS.ProcessEnv,
): KubeconfigContext {
  const files = sourcesOf(cluster, env);
  const found = files.filter((file) => existsSync(file));
  if (found.length === 0) {
    throw wrong(
      'There is no kubeconfig for the existing cluster',
      files.map((file) => `${file} does not exist`),
      'Set cluster.kubeconfig to its path.',
    );
  }
  const config = read(found);
  const name = cluster.context ?? config.currentContext ?? '';
  const context = contextOf(config, name);
  if (context === undefined) {
    const known = [...config.contexts.keys()].join(', ') || 'none';
    throw wrong(
      name === ''
        ? 'The kubeconfig names no current context'
        : `The kubeconfig has no whole context “${name}”`,
      [`read: ${found.join(', ')}`, `contexts in it: ${known}`],
      'Set cluster.context to one of them.',
    );
  }
  return context;
}

function read(files: readonly string[]): Kubeconfig {
  try {
    return readKubeconfig(...files);
  } catch (error) {
    throw wrong(
      'The kubeconfig of the existing cluster cannot be read',
      [`${files.join(', ')}: ${messageOf(error)}`],
      'Set cluster.kubeconfig to a kubeconfig that kubectl accepts.',
      error,
    );
  }
}

const wrong = (
  what: string,
  evidence: readonly string[],
  remedy: string,
  cause?: unknown,
): JestKubernetesError => new JestKubernetesError('CLUSTER_UNREACHABLE', what, { evidence, remedy, cause });
