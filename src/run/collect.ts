import { nodesContainers } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { diagnose, type Diagnosis, observe, writeBundle } from '../diagnose/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import { providerOf } from './provider-of.js';
import { versionsHere } from './versions.js';

export interface Collected {
  /** Absolute path of the bundle. */
  bundle: string;
  /** What may be amiss in the cluster, as far as it can be told. */
  diagnosis: Diagnosis | undefined;
}

/**
 * Writes all that can be seen of a kind cluster that is up into the folder of bundles. Where its engine or its API server
 * does not answer, that is what is seen.
 * @throws where the folder cannot be written
 */
export async function collectBundle(
  config: Config,
  access: ClusterAccess,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<Collected> {
  const { name } = access;
  const runId = `logs-${name}`;
  const cluster = { ...config.cluster, provider: 'kind' as const, name };
  const provider = providerOf({ ...config, cluster }, runId, env);
  const runtime = await provider.runtime().catch(() => undefined);
  const engine = runtime && { runtime, containers: await nodesContainers(name, runtime, { env, signal }) };
  const snapshot = await observe({ access, engine, signal });
  const diagnosis = diagnose(snapshot);
  const bundle = await writeBundle({
    ...{ directory: config.diagnostics.directory, runId, diagnosis, access, engine, env, signal },
    timeline: [],
    exportLogs: engine === undefined ? undefined : provider.exportLogs,
    versions: versionsHere(config.rootDir, engine?.runtime),
    secrets: [config.postgres?.password].filter((password) => password !== undefined),
  });
  return { bundle, diagnosis };
}
