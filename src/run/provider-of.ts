import {
  clusterFolder,
  type ClusterProvider,
  existingProvider,
  kindProvider,
  runFolder,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { pullImage } from '../images/index.js';
import { postgresNodePort } from '../postgres/index.js';
import { type ContainerRuntime, detectRuntime } from '../runtime/index.js';
import { nodePortOf } from '../services/index.js';

/** Where a run's cluster comes from, by its configuration. */
export function providerOf(config: Config, runId: string, env: NodeJS.ProcessEnv): ClusterProvider {
  const { cluster, timeouts, mirrors, postgres, services, stateDir } = config;
  let detected: Promise<ContainerRuntime> | undefined;
  const runtime = (): Promise<ContainerRuntime> =>
    (detected ??= detectRuntime({ env, preferred: config.runtime }));
  const providers: Record<ClusterProvider['name'], () => ClusterProvider> = {
    kind: () =>
      kindProvider({
        cluster,
        directory: clusterFolder(stateDir, cluster.name),
        runtime,
        env,
        hostPorts: [
          { containerPort: postgresNodePort, hostPort: postgres?.hostPort ?? 0 },
          ...services.map((service) => ({ containerPort: nodePortOf(service), hostPort: 0 })),
        ],
        watchPull: async (reference, options) =>
          pullImage(reference, {
            ...options,
            runtime: await runtime(),
            mirrors,
            limits: timeouts.pull,
          }),
      }),
    existing: () => existingProvider({ cluster, directory: runFolder(stateDir, runId), runtime, env }),
  };
  return providers[cluster.provider]();
}
