import { isDeepStrictEqual } from 'node:util';

import { JestKubernetesError } from '../support/errors.js';
import type { Config, ImageSource } from './config.js';
import type { UserConfig } from './define-config.js';

/** A configuration with what its user has said: what they have not, it does not ask for. */
export interface AskedConfig {
  config: Config;
  said: UserConfig & Partial<Pick<Config, 'runtime' | 'stateDir'>>;
}

/** What all projects of one run must agree on, as far as they say it: there is one cluster, and one environment for all. */
const shared = ['cluster', 'mirrors', 'postgres', 'keep', 'timeouts', 'runtime', 'stateDir'] as const;

/** Keys that are said by others. */
const saidAs: Readonly<Record<string, readonly string[]>> = {
  'cluster.image': ['image', 'version'],
  'postgres.migrateIn': ['migrate'],
};

/** Said as a whole, by a path too. */
const whole: ReadonlySet<string> = new Set(['cluster.config']);

/** What may not be said beside what. */
const apart = [
  { one: 'nodes', others: ['config'], is: () => true },
  {
    one: 'provider',
    others: ['version', 'image', 'nodes', 'config'],
    is: (value: unknown) => value === 'existing',
  },
] as const;

/**
 * The configurations of a run's Jest projects as one: images, manifests and services are added up, and each file's hooks are
 * called; all else must be the same where more than one says it. A project that does not say something does not ask for it.
 * @throws JestKubernetesError CONFIG_CONFLICT naming the key, and the two files
 */
export function mergeConfigs(projects: readonly AskedConfig[]): Config {
  const withFiles = projects.filter(({ config }) => config.file !== undefined);
  const ofEachFile = [...new Map(withFiles.map((each) => [each.config.file, each])).values()];
  const asking = [...ofEachFile, ...projects.filter(({ config }) => config.file === undefined)];
  const [first] = asking;
  if (first === undefined) throw new Error('there is no configuration to merge');
  const evidence = asking.flatMap((other, index) => conflictsWith(asking.slice(0, index), other));
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
  const configs = projects.map(({ config }) => config);
  const services = servicesOf(configs);
  const agreed = asking.slice(1).reduce<Side>((one, other) => agree('', one, sideOf(other)), sideOf(first));
  const saying = (key: 'diagnostics' | 'quiet'): Config =>
    (asking.find(({ said }) => said[key] !== undefined) ?? first).config;
  const merged = { ...first.config, ...(agreed.value as Pick<Config, (typeof shared)[number]>) };
  return {
    ...merged,
    images: imagesOf(configs, merged.postgres !== undefined),
    manifests: distinct(configs.flatMap((each) => each.manifests)),
    services,
    diagnostics: saying('diagnostics').diagnostics,
    quiet: saying('quiet').quiet,
    setup: distinct(asking.flatMap(({ config }) => config.setup)),
    eachRun: distinct(asking.flatMap(({ config }) => config.eachRun)),
  };
}

/** One that nobody asks for gives way to the same that somebody does, and to PostgreSQL’s own. */
function imagesOf(configs: readonly Config[], hasPostgres: boolean): ImageSource[] {
  const images = distinct(configs.flatMap((each) => each.images));
  return images.filter(
    (each) => !isOptional(each) || !(hasPostgres || images.some((other) => isSame(each, other))),
  );
}

/** @throws JestKubernetesError CONFIG_CONFLICT where two of one name differ */
function servicesOf(configs: readonly Config[]): Config['services'] {
  const services = distinct(configs.flatMap((each) => each.services));
  const twice = services.find(({ name }, index) => services.findIndex((each) => each.name === name) < index);
  if (twice === undefined) return services;
  throw new JestKubernetesError(
    'CONFIG_CONFLICT',
    `The Jest projects of this run want different services called ${twice.name}`,
    {
      evidence: configs.flatMap((each) =>
        each.services
          .filter(({ name }) => name === twice.name)
          .map((service) => `${show(service)} in ${nameOf(each)}`),
      ),
      remedy: 'Make them the same, or give one another name: { image, name }.',
    },
  );
}

/** One value of a configuration, and what was said of it: undefined is nothing. */
interface Side {
  value: unknown;
  said: unknown;
}

const sideOf = ({ config, said }: AskedConfig): Side => ({
  value: Object.fromEntries(shared.map((key) => [key, config[key]])),
  said,
});

function under({ value, said }: Side, place: string, key: string): Side {
  const saying = isRecord(said) ? said : {};
  const names = saidAs[place] ?? [key];
  return {
    value: (value as Record<string, unknown>)[key],
    said: names.map((name) => saying[name]).find((each) => each !== undefined),
  };
}

/** Both keys' parts, where both sides say something and there is more than one thing to say. */
function partsOf(place: string, one: Side, other: Side): [key: string, place: string][] | undefined {
  if (whole.has(place) || !isRecord(one.value) || !isRecord(other.value)) return undefined;
  const keys = [...new Set([...Object.keys(one.value), ...Object.keys(other.value)])];
  return keys.map((key) => [key, place === '' ? key : `${place}.${key}`]);
}

/** What both sides come to; of what they differ in, the first’s. */
function agree(place: string, one: Side, other: Side): Side {
  if (other.said === undefined) return one;
  if (one.said === undefined) return other;
  const parts = partsOf(place, one, other);
  if (parts === undefined) return one;
  const agreed = parts.map(
    ([key, at]) => [key, at, agree(at, under(one, at, key), under(other, at, key))] as const,
  );
  return {
    value: Object.fromEntries(agreed.map(([key, , { value }]) => [key, value])),
    said: Object.fromEntries(agreed.map(([key, at, { said }]) => [saidAs[at]?.[0] ?? key, said])),
  };
}

type Difference = [key: string, one: string, other: string];

/** What both say, and say differently. */
function contradictions(place: string, one: Side, other: Side): Difference[] {
  if (one.said === undefined || other.said === undefined) return [];
  return (
    partsOf(place, one, other)?.flatMap(([key, at]) =>
      contradictions(at, under(one, at, key), under(other, at, key)),
    ) ?? differences(one.value, other.value, place)
  );
}

/** What one says that has no meaning beside what the other says. */
function incompatible(one: AskedConfig, other: AskedConfig): Difference[] {
  const [mine, theirs] = [one.said.cluster ?? {}, other.said.cluster ?? {}];
  return apart.flatMap((rule) =>
    rule.others.flatMap((key): Difference[] => {
      const [here, there] = [`cluster.${rule.one}`, `cluster.${key}`];
      if (rule.is(mine[rule.one]) && mine[rule.one] !== undefined && theirs[key] !== undefined)
        return [[`${here} and ${there}`, show(mine[rule.one]), show(theirs[key])]];
      if (rule.is(theirs[rule.one]) && theirs[rule.one] !== undefined && mine[key] !== undefined)
        return [[`${there} and ${here}`, show(mine[key]), show(theirs[rule.one])]];
      return [];
    }),
  );
}

/** One line for each key in which one differs from another before it. */
function conflictsWith(others: readonly AskedConfig[], one: AskedConfig): string[] {
  const lines = new Map<string, string>();
  for (const other of others) {
    const found = [...contradictions('', sideOf(other), sideOf(one)), ...incompatible(other, one)];
    for (const [key, theirs, mine] of found) {
      if (!lines.has(key))
        lines.set(key, `${key}: ${theirs} in ${nameOf(other.config)}, ${mine} in ${nameOf(one.config)}`);
    }
  }
  return [...lines.values()];
}

/** The keys, as deep as both have them, with what each says. */
function differences(one: unknown, other: unknown, key: string): Difference[] {
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
