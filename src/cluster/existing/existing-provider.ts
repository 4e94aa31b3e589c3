import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { ClusterConfig } from '../../config/config.js';
import { Api, writtenContext, type KubeconfigContext } from '../../kubernetes/index.js';
import { JestKubernetesError, causeOf } from '../../support/errors.js';
import type { ClusterNode, ClusterProvider, CreateOptions } from '../provider.js';
import { existingContext } from './kubeconfig.js';

/** An API server that has not answered by then does not answer; in milliseconds. */
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

  const join: ClusterProvider['join'] = async ({ signal, progress }: CreateOptions) => {
    const context = existingContext(cluster, env);
    progress.waitingFor(`${context.cluster.server} to answer`);
    using api = new Api(context, { limit: patience, signal });
    await answers(api, context, signal);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(file, writtenContext(context), { mode: 0o600 });
    const access = { name: cluster.name, kubeconfig: file, context: context.name };
    return { access, nodes: await kindNodes(api) };
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
async function answers(api: Api, context: KubeconfigContext, signal: AbortSignal): Promise<void> {
  try {
    await api.request('/version');
  } catch (error) {
    signal.throwIfAborted();
    throw new JestKubernetesError('CLUSTER_UNREACHABLE', 'The existing cluster does not answer', {
      evidence: [`${context.cluster.server}: ${causeOf(error)}`],
      remedy: `Try: kubectl --context ${context.name} version`,
      cause: error,
    });
  }
}

/** The nodes that are kind's, whose containers images can be streamed into: kind says so in their provider id. */
async function kindNodes(api: Api): Promise<ClusterNode[]> {
  try {
    const { items } = await api.request<{ items: { spec?: { providerID?: string } }[] }>('/api/v1/nodes');
    return items.flatMap(({ spec }) => {
      const name = /^kind:\/\/[^/]+\/[^/]+\/(.+)$/.exec(spec?.providerID ?? '')?.[1];
      return name === undefined ? [] : [{ name }];
    });
  } catch {
    // listing nodes is often not allowed on a shared cluster
    return [];
  }
}
