import path from 'node:path';

import { JestKubernetesError } from '../support/errors.js';
import type { Config } from './config.js';
import type { UserConfig } from './define-config.js';
import { findConfig } from './find.js';
import { describeProblems, type KnownKeys } from './problems.js';
import { readConfigFile } from './read-file.js';
import { resolveConfig } from './resolve.js';
import { readDotenv } from './variables.js';

export interface LoadOptions {
  /** Absolute path: Jest's rootDir. */
  rootDir: string;
  /** Read, and added to by `.env` files. Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
}

const knownKeys: KnownKeys = new Map<string, readonly string[]>([
  ['', ['cluster', 'images', 'mirrors', 'manifests', 'postgres', 'keep', 'timeouts', 'diagnostics', 'setup']],
  ['cluster', ['provider', 'name', 'image', 'nodes', 'config', 'kubeconfig', 'context']],
  ['images.0', ['reference', 'build', 'dockerfile', 'tag', 'args', 'target', 'push', 'archive']],
  ['manifests.0', ['kustomize']],
  [
    'postgres',
    ['image', 'database', 'user', 'password', 'hostPort', 'initdb', 'migrate', 'settings', 'resources'],
  ],
  ['postgres.resources', ['requests', 'limits']],
  ['timeouts', ['cluster', 'pull', 'import', 'manifests', 'postgres']],
  ...['cluster', 'pull', 'import', 'manifests', 'postgres'].map((phase): [string, string[]] => [
    `timeouts.${phase}`,
    ['stall', 'total'],
  ]),
]);

/**
 * The configuration for a Jest project: from the file, or package.json, found from its rootDir upwards; `.env` files
 * beside it; and the variables that override it.
 * @throws JestKubernetesError CONFIG_INVALID, with one line of evidence for each thing that is wrong; CONFIG_NOT_FOUND
 */
export async function loadConfig({ rootDir, env = process.env }: LoadOptions): Promise<Config> {
  // `.env` may name the file, or the file's folder hold `.env`
  readDotenv(rootDir, env);
  const { file, workspaceRoot } = findConfig(rootDir, env['JEST_KUBERNETES_CONFIG'] || undefined);
  if (file !== undefined) readDotenv(path.dirname(file), env);
  const given = file === undefined ? {} : await readConfigFile(file);
  const { userConfigSchema, runtimeSchema } = await import('./schema.js');

  const problems: string[] = [];
  const checked = userConfigSchema.safeParse(given);
  if (!checked.success) problems.push(...describeProblems(checked.error, given, knownKeys));
  const { overridden, runtime } = override(checked.success ? checked.data : {}, env);
  const rechecked = userConfigSchema.safeParse(overridden);
  if (checked.success && !rechecked.success) {
    problems.push(
      ...describeProblems(rechecked.error, overridden, knownKeys).map((line) => `${line} (from a variable)`),
    );
  }
  const engine = runtimeSchema.optional().safeParse(runtime);
  if (!engine.success) {
    problems.push(
      `JEST_KUBERNETES_RUNTIME: it is "${runtime ?? ''}", but allowed is 'docker', 'podman' or 'nerdctl'`,
    );
  }
  if (rechecked.success) problems.push(...contradictions(rechecked.data));
  if (problems.length > 0 || !rechecked.success || !engine.success) {
    throw new JestKubernetesError(
      'CONFIG_INVALID',
      `The configuration${file === undefined ? '' : ` ${file}`} is not valid`,
      {
        evidence: problems,
      },
    );
  }
  return resolveConfig(rechecked.data, { rootDir, file, workspaceRoot, env, runtime: engine.data });
}

/** What the variables say wins over the file. An empty one counts as not set. */
function override(
  config: UserConfig,
  env: NodeJS.ProcessEnv,
): { overridden: UserConfig; runtime: string | undefined } {
  const variable = (name: string): string | undefined => env[`JEST_KUBERNETES_${name}`] || undefined;
  const images = variable('IMAGES');
  const cluster = {
    ...config.cluster,
    ...defined('provider', variable('PROVIDER')),
    ...defined('name', variable('NAME')),
    ...defined('image', variable('NODE_IMAGE')),
  };
  const overridden = {
    ...config,
    ...(Object.keys(cluster).length === 0 ? {} : { cluster }),
    ...defined('keep', variable('KEEP')),
    ...defined(
      'images',
      images
        ?.split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    ),
  } as UserConfig;
  // the node image of the environment says nothing of a cluster that is there already
  if (overridden.cluster?.provider === 'existing' && config.cluster?.image === undefined) {
    delete overridden.cluster.image;
  }
  return { overridden, runtime: variable('RUNTIME') };
}

function defined<Key extends string, T>(key: Key, value: T | undefined): Partial<Record<Key, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, T>);
}

/** What is allowed each by itself, and not together. */
function contradictions({ cluster = {} }: UserConfig): string[] {
  const existing = cluster.provider === 'existing';
  const only = (key: keyof typeof cluster, provider: string): string =>
    `cluster.${key}: it is for provider '${provider}' only`;
  return [
    ...(existing ? (['image', 'nodes', 'config'] as const) : [])
      .filter((key) => cluster[key] !== undefined)
      .map((key) => only(key, 'kind')),
    ...(existing ? [] : (['kubeconfig', 'context'] as const))
      .filter((key) => cluster[key] !== undefined)
      .map((key) => only(key, 'existing')),
    ...(cluster.nodes !== undefined && cluster.config !== undefined
      ? ['cluster.nodes: a kind config (cluster.config) names the nodes itself']
      : []),
  ];
}
