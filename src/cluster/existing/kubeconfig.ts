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
  const known = [...config.contexts.keys()].join(', ') || 'none';
  const seen = [`read: ${found.join(', ')}`, `contexts in it: ${known}`];
  const name = cluster.context ?? allowedContext(config.currentContext, env, seen);
  const context = contextOf(config, name);
  if (context === undefined)
    throw wrong(`The kubeconfig has no whole context “${name}”`, seen, 'Set cluster.context to one of them.');
  return context;
}

/**
 * The current context is whatever its user looked at last: it is taken only where it has been allowed by its name.
 * @throws JestKubernetesError CONFIG_INVALID
 */
function allowedContext(
  current: string | undefined,
  env: NodeJS.ProcessEnv,
  seen: readonly string[],
): string {
  const allowed = env['JEST_KUBERNETES_ALLOW_CONTEXT'] || undefined;
  if (allowed !== undefined && current === allowed) return current;
  const now =
    current === undefined ? 'the kubeconfig names no current context' : `the current context is ${current}`;
  throw new JestKubernetesError(
    'CONFIG_INVALID',
    allowed === undefined
      ? "cluster.context is asked for with provider 'existing': the current context may be production"
      : `The current context is not the one that is allowed, ${allowed}`,
    {
      evidence: [now, ...seen],
      remedy: `Set cluster.context in the configuration, or, on a laptop, allow one in .env: JEST_KUBERNETES_ALLOW_CONTEXT=${allowed ?? current ?? 'NAME'}${allowed === undefined ? '' : ` (kubectl config use-context ${allowed})`}`,
    },
  );
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
