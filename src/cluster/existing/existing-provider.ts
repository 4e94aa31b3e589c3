import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { ClusterConfig } from '../../config/index.js';
import { Api, type KubeconfigContext, writtenContext } from '../../kubernetes/index.js';
import { type Progress, silent } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { causeOf, JestKubernetesError } from '../../support/errors.js';
import { quoted } from '../../support/shell.js';
import { type ClusterNode, type ClusterProvider, type JoinedCluster, roleOf } from '../provider.js';
import { existingContext } from './kubeconfig.js';

/** An API server that has not answered by then does not answer; in milliseconds. */
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
    const context = existingContext(cluster, env);
    progress.waitingFor(`${context.cluster.server} to answer`);
    using api = new Api(context, { limit: patience, signal });
    await answers(api, context, signal);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(file, writtenContext(context), { mode: 0o600 });
    const access = { name, kubeconfig: file, context: context.name };
    return { access, nodes: await kindNodes(api) };
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
    stays: true,
    replaceable: false,
    rest: undefined,
    made: () => Promise.resolve({ provider: 'existing' }),
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
    published: () => Promise.resolve(undefined),
    leadTo: undefined,
    exportLogs: undefined,
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
      remedy: `Try: kubectl --context ${quoted(context.name)} version`,
      cause: error,
    });
  }
}

interface Node {
  metadata: { name: string; labels?: Readonly<Record<string, string>> };
  spec?: { providerID?: string };
}

/** The nodes that are kind's, whose containers images can be streamed into: kind says so in their provider id. */
async function kindNodes(api: Api): Promise<ClusterNode[]> {
  try {
    const { items } = await api.request<{ items: Node[] }>('/api/v1/nodes');
    return items.flatMap(({ metadata, spec }): ClusterNode[] => {
      const name = /^kind:\/\/[^/]+\/[^/]+\/(.+)$/.exec(spec?.providerID ?? '')?.[1];
      return name === undefined ? [] : [{ name, hostname: metadata.name, role: roleOf(metadata.labels) }];
    });
  } catch {
    // listing nodes is often not allowed on a shared cluster
    return [];
  }
}
