import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { KubeConfig } from '@kubernetes/client-node';

import type { ClusterConfig } from '../../config/config.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import type { ClusterNode, ClusterProvider, CreateOptions } from '../provider.js';
import { existingKubeConfig } from './kubeconfig.js';

/** An API server that has not answered by then does not answer. */
const patience = 15_000;

/**
 * A cluster that was there before and stays when the run is finished: it is neither created nor deleted.
 * @param directory - absolute path of the run's own folder, where its kubeconfig goes
 */
export function existingProvider({
  cluster,
  directory,
  env = process.env,
}: {
  cluster: ClusterConfig;
  directory: string;
  env?: NodeJS.ProcessEnv;
}): ClusterProvider {
  const file = path.join(directory, 'kubeconfig');

  const reach = async ({ signal, progress }: CreateOptions): Promise<KubeConfig> => {
    const config = await existingKubeConfig(cluster, env);
    progress.waitingFor(`${config.getCurrentCluster()?.server ?? 'the API server'} to answer`);
    await answers(config, AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(file, config.exportConfig(), { mode: 0o600 });
    return config;
  };
  const accessTo = (config: KubeConfig): ClusterAccess => ({
    name: cluster.name,
    kubeconfig: file,
    context: config.currentContext,
  });
  const join = async (options: CreateOptions): ReturnType<ClusterProvider['join']> => {
    const config = await reach(options);
    return { access: accessTo(config), nodes: await kindNodes(config) };
  };

  return {
    name: 'existing',
    create: (options) => {
      const joined = join(options);
      const access = joined.then((each) => each.access);
      return { nodes: joined.then((each) => each.nodes), api: access, ready: access };
    },
    join,
    delete: () => rm(file, { force: true }),
  };
}

/** @throws JestKubernetesError CLUSTER_UNREACHABLE */
async function answers(config: KubeConfig, signal: AbortSignal): Promise<void> {
  const { VersionApi } = await import('@kubernetes/client-node');
  const { promise: late, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => {
    reject(new Error(`no answer within ${patience / 1000} s`));
  });
  try {
    await Promise.race([config.makeApiClient(VersionApi).getCode(), late]);
  } catch (error) {
    throw new JestKubernetesError('CLUSTER_UNREACHABLE', 'The existing cluster does not answer', {
      evidence: [`${config.getCurrentCluster()?.server ?? ''}: ${causeOf(error)}`],
      remedy: `Try: kubectl --context ${config.currentContext} version`,
      cause: error,
    });
  }
}

/** `fetch failed` says nothing; the cause behind it does. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}

/** The nodes that are kind's, whose containers images can be streamed into: kind says so in their provider id. */
async function kindNodes(config: KubeConfig): Promise<ClusterNode[]> {
  const { CoreV1Api } = await import('@kubernetes/client-node');
  try {
    const { items } = await config.makeApiClient(CoreV1Api).listNode();
    return items.flatMap(({ metadata, spec }): ClusterNode[] => {
      const name = /^kind:\/\/[^/]+\/[^/]+\/(.+)$/.exec(spec?.providerID ?? '')?.[1];
      const role =
        metadata?.labels?.['node-role.kubernetes.io/control-plane'] === undefined
          ? 'worker'
          : 'control-plane';
      return name === undefined ? [] : [{ name, role }];
    });
  } catch {
    // listing nodes is often not allowed on a shared cluster
    return [];
  }
}
