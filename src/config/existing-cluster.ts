import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { parse } from 'yaml';

import type { UserConfig } from './define-config.js';

/*
 * Of a cluster that was there before two things are asked for, as no default of theirs is harmless: which one it is, and
 * with whom it is shared.
 */

interface Surroundings {
  /** Absolute path: where relative ones start. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** The context that the current one may be. */
  allowContext: string | undefined;
}

/** The kubeconfigs that a user's kubectl would read: the one configured, else `KUBECONFIG`'s, else `~/.kube/config`. */
export function kubeconfigFiles(configured: string | undefined, env: NodeJS.ProcessEnv): string[] {
  if (configured !== undefined) return [configured];
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

/**
 * A configuration that says which existing cluster it means, as far as the variable `JEST_KUBERNETES_ALLOW_CONTEXT` can
 * say it in its place; and one line for each thing that is not said.
 */
export function sayingWhichCluster(
  config: UserConfig,
  { folder, env, allowContext }: Surroundings,
): { config: UserConfig; problems: string[] } {
  const { cluster = {} } = config;
  if (cluster.provider !== 'existing') return { config, problems: [] };
  const nameless =
    cluster.name === undefined
      ? [
          'cluster.name: it is missing; needed is a name that this pipeline alone has, such as shop- and the number of its run: the runs of one name share what they set up, and every CI machine would have the same default',
        ]
      : [];
  if (cluster.context !== undefined) return { config, problems: nameless };
  const configured = cluster.kubeconfig === undefined ? undefined : path.resolve(folder, cluster.kubeconfig);
  const { current, contexts } = contextsOf(kubeconfigFiles(configured, env));
  if (allowContext !== undefined && allowContext === current)
    return { config: { ...config, cluster: { ...cluster, context: current } }, problems: nameless };
  const known = contexts.length === 0 ? 'the kubeconfig has none' : `there are ${contexts.join(', ')}`;
  const now = current === undefined ? '' : `; the current one is ${current}`;
  const allowed =
    allowContext === undefined
      ? 'or, for this machine, allow one by the variable JEST_KUBERNETES_ALLOW_CONTEXT'
      : `and JEST_KUBERNETES_ALLOW_CONTEXT allows ${allowContext} alone`;
  return {
    config,
    problems: [
      `cluster.context: it is missing; needed is the context to use, as the current one may be production (${known}${now}), ${allowed}`,
      ...nameless,
    ],
  };
}

/** As far as they can be read; what is wrong with them is told when they are used. */
function contextsOf(files: readonly string[]): { current: string | undefined; contexts: string[] } {
  const written = files.flatMap((file) => {
    try {
      return [(parse(readFileSync(file, 'utf8')) ?? {}) as Written];
    } catch {
      return [];
    }
  });
  const names = written.flatMap(({ contexts }) => (contexts ?? []).flatMap(({ name }) => name ?? []));
  return {
    current: written.map((each) => each['current-context']).find((each) => each !== undefined && each !== ''),
    contexts: [...new Set(names)],
  };
}

interface Written {
  'current-context'?: string;
  contexts?: { name?: string }[] | null;
}
