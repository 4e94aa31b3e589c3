import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { KubeConfig } from '@kubernetes/client-node';

import type { ClusterConfig } from '../../config/index.js';
import { silent, type Progress } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import type { ClusterNode, ClusterProvider, JoinedCluster } from '../provider.js';
import { existingKubeConfig } from './kubeconfig.js';

/** An API server that has not answered by then does not answer. */
const patience = 15_000;

export interface ExistingProviderOptions {
  cluster: ClusterConfig;
  /** Absolute path of the run's own folder, where its kubeconfig goes. */
  directory: string;
  /** Detected at the first call; for images that are built here and pushed. */
  runtime: () => Promise<ContainerRuntime>;
  env?: NodeJS.ProcessEnv;
}

/** A cluster that was there before and stays when the run is finished: it is neither created nor deleted. */
export function existingProvider({
  cluster,
  directory,
  runtime,
  env = process.env,
}: ExistingProviderOptions): ClusterProvider {
  const { name } = cluster;
  const file = path.join(directory, 'kubeconfig');

  const join = async (signal: AbortSignal, progress: Progress = silent): Promise<JoinedCluster> => {
    const config = await existingKubeConfig(cluster, env);
    progress.waitingFor(`${config.getCurrentCluster()?.server ?? 'the API server'} to answer`);
    await answers(config, AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(file, config.exportConfig(), { mode: 0o600 });
    const access = { name, kubeconfig: file, context: config.currentContext };
    return { access, nodes: await kindNodes(config) };
  };

  return {
    name: 'existing',
    words: {
      begins: `sets up ${name} in the existing cluster`,
      phase: 'reach the existing cluster',
      reached: ({ context }) => `context ${context}`,
      keeps: `keeps ${name} in the existing cluster: the next run finds it there`,
      usage: ['delete it:  npx jest-kubernetes down'],
    },
    owner: name,
    replaceable: false,
    made: { provider: 'existing' },
    runtime,
    // the runs that share it meet in it
    prepare: async (signal) => {
      await join(signal);
    },
    removal: () => Promise.resolve({ provider: 'existing', name, runtime: null }),
    create: ({ signal, progress }) => {
      const joined = join(signal, progress);
      const access = joined.then((each) => each.access);
      return { nodes: joined.then((each) => each.nodes), api: access, ready: access };
    },
    join,
    hostPort: () => Promise.resolve(undefined),
    exportLogs: undefined,
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
