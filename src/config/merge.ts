import { isDeepStrictEqual } from 'node:util';

import { JestKubernetesError } from '../support/errors.js';
import type { Config } from './config.js';

/** What all projects of one run must agree on: there is one cluster, and one environment for all. */
const shared = ['cluster', 'mirrors', 'postgres', 'keep', 'timeouts', 'runtime', 'stateDir'] as const;

/**
 * The configurations of a run's Jest projects as one: images and manifests are added up, all else must be the same.
 * @throws JestKubernetesError CONFIG_CONFLICT naming the key, and the two files
 */
export function mergeConfigs(configs: readonly Config[]): Config {
  const [first, ...others] = configs;
  if (first === undefined) throw new Error('there is no configuration to merge');
  const evidence = others.flatMap((other) =>
    shared
      .filter((key) => !isDeepStrictEqual(first[key], other[key]))
      .map(
        (key) =>
          `${key}: ${JSON.stringify(first[key])} in ${nameOf(first)}, ${JSON.stringify(other[key])} in ${nameOf(other)}`,
      ),
  );
  if (evidence.length > 0) {
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      'The Jest projects of this run want different clusters',
      {
        evidence,
        remedy:
          'Put what they share into one configuration at the workspace’s root; images and manifests may differ.',
      },
    );
  }
  const hooks = [...new Map(configs.map((each) => [each.file, each.setup])).values()].filter(
    (hook) => hook !== undefined,
  );
  return {
    ...first,
    images: distinct(configs.flatMap((each) => each.images)),
    manifests: distinct(configs.flatMap((each) => each.manifests)),
    setup:
      hooks.length < 2
        ? hooks[0]
        : async (cluster) => {
            for (const hook of hooks) await hook(cluster);
          },
  };
}

function distinct<T>(all: readonly T[]): T[] {
  return all.filter((one, index) => all.findIndex((other) => isDeepStrictEqual(one, other)) === index);
}

const nameOf = ({ file, rootDir }: Config): string => file ?? rootDir;
