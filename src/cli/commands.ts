import {
  clusterFolder,
  deleteAbandoned,
  deleteCluster,
  describeHolder,
  type KnownCluster,
  listClusters,
  releaseDeadRuns,
} from '../cluster/index.js';
import { type Config, loadConfig } from '../config/index.js';
import { formatBytes, Report } from '../report/index.js';
import {
  failedSnapshots,
  makeSnapshot,
  Run,
  snapshotsOf,
  standbyMemory,
  takeDownCluster,
  tidySnapshots,
} from '../run/index.js';
import { JestKubernetesError } from '../support/errors.js';

/** @param forRun - what needs a cluster's name alone does without the files that a configuration names */
const configHere = (forRun = false): Promise<Config> =>
  loadConfig({ rootDir: process.cwd(), pathsMustExist: forRun, forRun });

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const print = (value: unknown): void => {
  console.log(JSON.stringify(value, null, 2));
};

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

/** @throws JestKubernetesError NO_CLUSTER where there is none of that name, or where runs use it */
export async function down(name: string | undefined, { force }: { force: boolean }): Promise<void> {
  const config = await configHere();
  const { stateDir } = config;
  const wanted = name ?? config.cluster.name;
  const answer = await takeDownCluster(config, wanted, { evenInUse: force, report: new Report() });
  if (answer.outcome === 'deleted') return;
  throw answer.outcome === 'in use'
    ? new JestKubernetesError('NO_CLUSTER', `The cluster ${wanted} is in use`, {
        evidence: answer.users.map(describeHolder),
        remedy: 'Wait for them to end, or delete it all the same: --force',
      })
    : unknown(wanted, stateDir);
}

function unknown(name: string, stateDir: string): JestKubernetesError {
  const known = listClusters(stateDir).map((each) => each.name);
  return new JestKubernetesError('NO_CLUSTER', `No cluster ${name} is known`, {
    evidence: [known.length === 0 ? `there is none in ${stateDir}` : `known are: ${known.join(', ')}`],
  });
}

export async function status({ json }: { json: boolean }): Promise<void> {
  const config = await configHere();
  const clusters = listClusters(config.stateDir);
  if (json) {
    print(clusters.map(described));
    return;
  }
  if (clusters.length === 0) console.log('No cluster is there.');
  for (const cluster of clusters) {
    const { phase, kept, users, problem } = described(cluster);
    const words = [
      phase,
      ...(kept === null ? [] : [`kept (${kept})`]),
      ...(await standbyWords(cluster, config)),
    ];
    console.log(`${cluster.name}  ${words.join(', ')}`);
    for (const user of users) console.log(`  used by ${user}`);
    if (problem !== null) console.log(`  ${problem}`);
  }
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
  const memory = await standbyMemory(config, name);
  return [`on standby${memory === undefined ? '' : ` (${memory} of memory)`}`];
}

function described({ name, folder, state, standby, users }: KnownCluster) {
  const { phase, kept, problem } = state;
  return {
    name,
    phase,
    kept: kept?.reason ?? null,
    problem,
    users: users.map(describeHolder),
    standby: standby !== undefined,
    kubeconfig: state.access === null ? null : `${folder}/kubeconfig`,
  };
}

export async function env(name: string | undefined, { json }: { json: boolean }): Promise<void> {
  const { stateDir, cluster } = await configHere();
  const wanted = name ?? cluster.name;
  const access = listClusters(stateDir).find((each) => each.name === wanted)?.state.access;
  if (access == null) throw unknown(wanted, stateDir);
  const variables = {
    KUBECONFIG: `${clusterFolder(stateDir, wanted)}/kubeconfig`,
    JEST_KUBERNETES_CLUSTER: wanted,
    JEST_KUBERNETES_CONTEXT: access.context,
  };
  if (json) print(variables);
  else for (const [key, value] of Object.entries(variables)) console.log(`export ${key}='${value}'`);
}

export async function prune({ json }: { json: boolean }): Promise<void> {
  const config = await configHere();
  const { stateDir } = config;
  const failures: Error[] = [];
  const task = {
    ...{ stateDir, deleteCluster },
    onFailure: (_: string, error: unknown) => failures.push(toError(error)),
  };
  const removed = [...(await deleteAbandoned(task)), ...(await releaseDeadRuns(task))];
  removed.push(...(await tidySnapshots(config)).map((key) => `snapshot ${key}`));
  if (json) print({ removed });
  else if (removed.length > 0) console.log(`Deleted: ${removed.join(', ')}`);
  else if (failures.length === 0) console.log('Nothing was left behind.');
  const [first, ...others] = failures;
  for (const failure of others) new Report().error(failure);
  if (first !== undefined) throw first;
}
