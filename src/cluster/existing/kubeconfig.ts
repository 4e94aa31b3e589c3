import { existsSync } from 'node:fs';

import { type ClusterConfig, kubeconfigFiles } from '../../config/index.js';
import {
  contextOf,
  type Kubeconfig,
  type KubeconfigContext,
  readKubeconfig,
} from '../../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';

/**
 * The one context of an existing cluster's kubeconfig that is used.
 * @throws JestKubernetesError CLUSTER_UNREACHABLE where a file is missing, unreadable, or without that context
 */
export function existingContext(
  cluster: Pick<ClusterConfig, 'kubeconfig' | 'context'>,
  env: NodeJS.ProcessEnv,
): KubeconfigContext {
  const files = kubeconfigFiles(cluster.kubeconfig, env);
  const found = files.filter((file) => existsSync(file));
  if (found.length === 0) {
    throw wrong(
      'There is no kubeconfig for the existing cluster',
      files.map((file) => `${file} does not exist`),
      'Set cluster.kubeconfig to its path.',
    );
  }
  const config = read(found);
  // never the current one by itself: see `sayingWhichCluster`
  const name = cluster.context ?? '';
  const context = contextOf(config, name);
  if (context === undefined) {
    const known = [...config.contexts.keys()].join(', ') || 'none';
    throw wrong(
      `The kubeconfig has no whole context “${name}”`,
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
