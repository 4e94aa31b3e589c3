import { isDeepStrictEqual } from 'node:util';

import { JestKubernetesError } from '../support/errors.js';
import type { Config, ImageSource } from './config.js';

/** What all projects of one run must agree on: there is one cluster, and one environment for all. */
const shared = ['cluster', 'mirrors', 'postgres', 'keep', 'timeouts', 'runtime', 'stateDir'] as const;

/**
 * The configurations of a run's Jest projects as one: images, manifests and services are added up, and each file's `setup` is
 * called; all else must be the same. A project that has no configuration asks for nothing.
 * @throws JestKubernetesError CONFIG_CONFLICT naming the key, and the two files
 */
export function mergeConfigs(configs: readonly Config[]): Config {
  const files = [...new Map(configs.map((each) => [each.file, each])).values()];
  const asking = files.filter((each) => each.file !== undefined);
  const [first = configs[0], ...others] = asking;
  if (first === undefined) throw new Error('there is no configuration to merge');
  const evidence = others.flatMap((other) =>
    shared
      .flatMap((key) => differences(first[key], other[key], key))
      .map(([key, one, another]) => `${key}: ${one} in ${nameOf(first)}, ${another} in ${nameOf(other)}`),
  );
  if (evidence.length > 0) {
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      'The Jest projects of this run want different clusters',
      {
        evidence,
        remedy:
          'Put what they share into one configuration at the workspace’s root; images, manifests and services may differ.',
      },
    );
  }
  const services = distinct(configs.flatMap((each) => each.services));
  const twice = services.find(({ name }, index) => services.findIndex((each) => each.name === name) < index);
  if (twice !== undefined) {
    throw new JestKubernetesError(
      'CONFIG_CONFLICT',
      `The Jest projects of this run want different services called ${twice.name}`,
      {
        evidence: asking.flatMap((each) =>
          each.services
            .filter(({ name }) => name === twice.name)
            .map((service) => `${show(service)} in ${nameOf(each)}`),
        ),
        remedy: 'Make them the same, or give one another name: { image, name }.',
      },
    );
  }
  const images = configs.flatMap((each) => each.images);
  const hooks = files.flatMap(({ setup }) => setup ?? []);
  return {
    ...first,
    images: distinct(
      images.filter((each) => !isOptional(each) || !images.some((other) => isSame(each, other))),
    ),
    manifests: distinct(configs.flatMap((each) => each.manifests)),
    services,
    setup:
      hooks.length < 2
        ? hooks[0]
        : async (cluster) => {
            for (const hook of hooks) await hook(cluster);
          },
  };
}

/** The keys, as deep as both have them, with what each says. */
function differences(one: unknown, other: unknown, key: string): [key: string, one: string, other: string][] {
  if (isDeepStrictEqual(one, other)) return [];
  if (isRecord(one) && isRecord(other)) {
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((each) =>
      differences(one[each], other[each], `${key}.${each}`),
    );
  }
  if (key.endsWith('.password')) return [[key, 'one', 'another']];
  // all that PostgreSQL would be is told by whether it is there
  if (key === 'postgres')
    return [[key, one === undefined ? 'off' : 'on', other === undefined ? 'off' : 'on']];
  return [[key, show(one), show(other)]];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'function' ? 'a function' : JSON.stringify(value);
}

function distinct<T>(all: readonly T[]): T[] {
  return all.filter((one, index) => all.findIndex((other) => isDeepStrictEqual(one, other)) === index);
}

const isOptional = (image: ImageSource): boolean => image.kind === 'pull' && image.isOptional === true;

/** Whether the other, which is asked for, is that image too. */
const isSame = (one: ImageSource, other: ImageSource): boolean =>
  one.kind === 'pull' && other.kind === 'pull' && one.reference === other.reference && !isOptional(other);

const nameOf = ({ file, rootDir }: Config): string => file ?? rootDir;
