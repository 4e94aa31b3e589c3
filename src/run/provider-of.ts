import {
  clusterFolder,
  type ClusterProvider,
  existingProvider,
  kindProvider,
  type KindProviderOptions,
  runFolder,
} from '../cluster/index.js';
import {
  type Config,
  defaultPostgresImage,
  defaultPostgresUser,
  type PostgresConfig,
} from '../config/index.js';
import { pullImage } from '../images/index.js';
import { postgresNodePort } from '../postgres/index.js';
import { type ContainerRuntime, detectRuntime } from '../runtime/index.js';
import { nodePortOf } from '../services/index.js';

/** Where a run's cluster comes from, by its configuration. */
export function providerOf(config: Config, runId: string, env: NodeJS.ProcessEnv): ClusterProvider {
  const { cluster, stateDir } = config;
  const providers: Record<ClusterProvider['name'], () => ClusterProvider> = {
    kind: () => kindProvider(kindOptions(config, env)),
    existing: () =>
      existingProvider({
        cluster,
        directory: runFolder(stateDir, runId),
        runtime: detectedOnce(config, env),
        env,
      }),
  };
  return providers[cluster.provider]();
}

type KindConfig = Pick<Config, 'cluster' | 'images' | 'mirrors' | 'runtime' | 'stateDir' | 'timeouts'> & {
  postgres?: Partial<Pick<PostgresConfig, 'image' | 'user' | 'hostPort'>> | undefined;
  services?: Config['services'];
};

/** What a cluster of our own is made by. */
export function kindOptions(config: KindConfig, env: NodeJS.ProcessEnv): KindProviderOptions {
  const { cluster, images, timeouts, mirrors, postgres, services = [], stateDir } = config;
  const runtime = detectedOnce(config, env);
  return {
    cluster,
    directory: clusterFolder(stateDir, cluster.name),
    runtime,
    env,
    images: images.flatMap((image) => (image.kind === 'pull' ? [image.reference] : [])),
    // whoever has no PostgreSQL has the image of it all the same
    database: {
      image: postgres?.image ?? defaultPostgresImage,
      user: postgres?.user ?? defaultPostgresUser,
    },
    hostPorts: [
      { containerPort: postgresNodePort, hostPort: postgres?.hostPort ?? 0 },
      ...services.map((service) => ({ containerPort: nodePortOf(service), hostPort: 0 })),
    ],
    watchPull: async (reference, options) =>
      pullImage(reference, { ...options, runtime: await runtime(), mirrors, limits: timeouts.pull }),
  };
}

function detectedOnce(
  config: Pick<Config, 'runtime'>,
  env: NodeJS.ProcessEnv,
): () => Promise<ContainerRuntime> {
  let detected: Promise<ContainerRuntime> | undefined;
  return () => (detected ??= detectRuntime({ env, preferred: config.runtime }));
}
