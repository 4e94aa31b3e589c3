import { listClusters, removeCluster, takeDown, type RemovalRecord } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import type { Progress } from '../report/index.js';
import { clusterSource } from './cluster-source.js';

/**
 * Deletes a cluster because somebody says so, even one that is kept; in an existing one, what runs have set up there.
 * @returns those who use it, when that is why it stays
 */
export async function takeDownCluster(
  config: Config,
  name: string,
  { evenInUse, progress }: { evenInUse: boolean; progress: Progress },
): ReturnType<typeof takeDown> {
  const { stateDir, cluster } = config;
  const runId = `down-${process.pid}`;
  // by its name, any cluster that this machine's runs have made
  const isOurs = listClusters(stateDir).some((known) => known.name === name);
  const provider = isOurs ? 'kind' : cluster.provider;
  if (provider === 'existing') {
    await clusterSource(config, runId, process.env).prepare(new AbortController().signal);
  }
  const remove = (record: RemovalRecord): Promise<void> => removeCluster(record, progress);
  return takeDown({ stateDir, name, runId, provider, remove, evenInUse });
}
