import {
  deleteAbandoned,
  deleteCluster,
  describeHolder,
  type KnownCluster,
  listClusters,
  releaseDeadRuns,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { formatBytes, Report } from '../report/index.js';
import {
  failedSnapshots,
  makeSnapshot,
  memoryOf,
  Run,
  snapshotsOf,
  takeDownCluster,
  tidySnapshots,
} from '../run/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { quoted } from '../support/shell.js';
import { clusterUp, configFor, configHere, settingsHere, unknownCluster } from './here.js';
import { print } from './output.js';
import { described, linesOf } from './status.js';

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Creates this folder's cluster, or joins it, and leaves it there. */
export async function up(): Promise<void> {
  const run = new Run({ ...(await configHere(true)), keep: 'always' });
  await run.start();
  await run.finish();
}

/** Makes the snapshot that the tests of this folder start from. */
export async function snapshot(): Promise<void> {
  const outcome = await makeSnapshot(await configHere(true), { report: new Report() });
  console.log(`The snapshot is ${outcome}.`);
}

interface DownOptions {
  force: boolean;
  all: boolean;
}

/** @throws JestKubernetesError NO_CLUSTER where there is none of that name, or where runs use it */
export async function down(name: string | undefined, { force, all }: DownOptions): Promise<void> {
  if (all) {
    await downAll(force);
    return;
  }
  const config = await configFor(name);
  await downOne(config, name ?? config.cluster.name, force);
}

async function downOne(config: Config, name: string, force: boolean): Promise<void> {
  const answer = await takeDownCluster(config, name, { evenInUse: force, report: new Report() });
  if (answer.outcome === 'deleted') return;
  throw answer.outcome === 'in use'
    ? new JestKubernetesError('NO_CLUSTER', `The cluster ${name} is in use`, {
        evidence: answer.users.map(describeHolder),
        remedy: 'Wait for them to end, or delete it all the same: --force',
      })
    : unknownCluster(name, config);
}

/** Every cluster of the state directory, one after the other; what keeps one from going keeps none of the others. */
async function downAll(force: boolean): Promise<void> {
  const config = await settingsHere();
  const failures: unknown[] = [];
  const clusters = listClusters(config.stateDir);
  if (clusters.length === 0) console.log('No cluster is there.');
  for (const { name } of clusters) {
    await downOne(config, name, force).catch((error: unknown) => failures.push(error));
  }
  throwLast(failures);
}

/** Tells of all but the last, which is thrown. */
function throwLast(failures: readonly unknown[]): void {
  for (const failure of failures.slice(0, -1)) new Report().error(failure);
  if (failures.length > 0) throw toError(failures.at(-1));
}

export async function status({ json }: { json: boolean }): Promise<void> {
  const config = await settingsHere();
  const clusters = listClusters(config.stateDir);
  if (json) {
    print(clusters.map(described));
    return;
  }
  if (clusters.length === 0) console.log('No cluster is there.');
  for (const cluster of clusters)
    console.log(linesOf(described(cluster), await standbyWords(cluster, config)).join('\n'));
  for (const { key, isProven, usedAt, bytes } of await snapshotsOf(config)) {
    const made = isProven ? `last used ${usedAt.slice(0, 16)}` : 'in the making';
    console.log(`snapshot ${key}  ${formatBytes(bytes)}, ${made}`);
  }
  for (const { key, at, reason } of failedSnapshots(config.stateDir))
    console.log(`snapshot ${key}  could not be made (${at.slice(0, 16)}): ${reason}`);
}

/** It costs memory, which is told. */
async function standbyWords({ name, standby }: KnownCluster, config: Config): Promise<string[]> {
  if (standby === undefined) return [];
  const memory = await memoryOf(config, name);
  return [`on standby${memory === undefined ? '' : ` (${memory} of memory)`}`];
}

export async function env(name: string | undefined, { json }: { json: boolean }): Promise<void> {
  const cluster = await clusterUp(name);
  const variables = {
    KUBECONFIG: cluster.kubeconfig,
    JEST_KUBERNETES_CLUSTER: cluster.name,
    JEST_KUBERNETES_CONTEXT: cluster.context,
  };
  if (json) print(variables);
  else for (const [key, value] of Object.entries(variables)) console.log(`export ${key}=${quoted(value)}`);
}

export async function prune({ json }: { json: boolean }): Promise<void> {
  const config = await settingsHere();
  const { stateDir } = config;
  const failures: unknown[] = [];
  const task = {
    ...{ stateDir, deleteCluster },
    onFailure: (_: string, error: unknown) => failures.push(error),
  };
  const removed = [...(await deleteAbandoned(task)), ...(await releaseDeadRuns(task))];
  removed.push(...(await tidySnapshots(config)).map((key) => `snapshot ${key}`));
  if (json) print({ removed });
  else if (removed.length > 0) console.log(`Deleted: ${removed.join(', ')}`);
  else if (failures.length === 0) console.log('Nothing was left behind.');
  throwLast(failures);
}
