import { clusterFolder, type KnownCluster, listClusters } from '../cluster/index.js';
import { type Config, configWithoutFile, loadConfig } from '../config/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { quoted } from '../support/shell.js';

/** @param forRun - what needs a cluster's name alone does without the files that a configuration names */
export const configHere = (forRun = false): Promise<Config> =>
  loadConfig({ rootDir: process.cwd(), pathsMustExist: forRun, forRun });

/** The same for what does not need the file: one that is broken is told, and passed over. */
export async function settingsHere(): Promise<Config> {
  try {
    return await configHere();
  } catch (error) {
    const settings = configWithoutFile(process.cwd());
    const evidence = error instanceof JestKubernetesError ? error.evidence.slice(0, 1) : [];
    console.error(`passed over: ${[messageOf(error), ...evidence].join(': ')}`);
    return settings;
  }
}

/** The configuration as far as a cluster's name, where one is given, lets it be needed. */
export const configFor = (name: string | undefined): Promise<Config> =>
  name === undefined ? configHere() : settingsHere();

export interface UpCluster {
  config: Config;
  name: string;
  /** Its state's access is there. */
  state: KnownCluster['state'];
  /** Absolute path. */
  kubeconfig: string;
  context: string;
}

/**
 * A cluster that is up.
 * @param name - undefined is the one that the tests of this folder use
 * @throws JestKubernetesError NO_CLUSTER
 */
export async function clusterUp(name?: string): Promise<UpCluster> {
  const config = await configFor(name);
  const { stateDir, cluster } = config;
  const wanted = name ?? cluster.name;
  const known = listClusters(stateDir).find((each) => each.name === wanted);
  if (known === undefined) throw unknownCluster(wanted, config);
  const { state } = known;
  if (state.access === null || state.phase !== 'ready') {
    throw new JestKubernetesError('NO_CLUSTER', `The cluster ${wanted} is not up`, {
      evidence: [
        state.problem ??
          {
            creating: 'it is being created',
            deleting: 'it is being deleted',
            ready: 'nothing is known of how it is reached',
          }[state.phase],
      ],
      remedy: 'See how it stands: npx jest-kubernetes status',
    });
  }
  const kubeconfig = `${clusterFolder(stateDir, wanted)}/kubeconfig`;
  return { config, name: wanted, state, kubeconfig, context: state.access.context };
}

export function unknownCluster(name: string, { stateDir, cluster }: Config): JestKubernetesError {
  const known = listClusters(stateDir).map((each) => each.name);
  const isHere = name === cluster.name;
  const { context } = cluster;
  if (isHere && cluster.provider === 'existing' && context !== undefined) {
    return new JestKubernetesError('NO_CLUSTER', `${name} is set up in a cluster that was there before`, {
      evidence: [`it is reached by the context ${context}`],
      remedy: `Use it as ever: kubectl --context ${quoted(context)}`,
    });
  }
  return new JestKubernetesError('NO_CLUSTER', `No cluster ${name} is known`, {
    evidence: [known.length === 0 ? `there is none in ${stateDir}` : `known are: ${known.join(', ')}`],
    remedy: isHere ? 'Have it made, and kept: npx jest-kubernetes up' : undefined,
  });
}
