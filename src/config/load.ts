import path from 'node:path';

import { JestKubernetesError } from '../support/errors.js';
import type { Config } from './config.js';
import type { UserConfig } from './define-config.js';
import { sayingWhichCluster } from './existing-cluster.js';
import { findConfig, type FoundConfig, packageKey } from './find.js';
import { readHook } from './hooks.js';
import { type AskedConfig, mergeConfigs } from './merge.js';
import { missingPaths } from './missing-paths.js';
import { override, readOverrides } from './override.js';
import { describeProblems } from './problems.js';
import { readConfigFile } from './read-file.js';
import { resolveConfig } from './resolve.js';
import { knownKeys, userConfigSchema } from './schema.js';
import { isOff, readDotenv, readWhole } from './variables.js';

export interface LoadOptions {
  /** Absolute path: Jest's rootDir. */
  rootDir: string;
  /** Read, and added to by `.env` files. Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
  /**
   * Whether a file or folder that it names and that is not there is a mistake; what needs a cluster's name alone can do
   * without. Default: true.
   */
  pathsMustExist?: boolean;
  /** That a run follows: makes the state directory, on which a default name depends, if need be. Default: false. */
  forRun?: boolean;
}

/**
 * The configuration for a Jest project: from the file, or package.json, found from its rootDir upwards; the lines
 * of `.env` files beside it that are for this package; and the variables that override it. Files that `dotenv` names are
 * then added to `env`.
 * @throws JestKubernetesError CONFIG_INVALID, with one line of evidence for each thing that is wrong; CONFIG_NOT_FOUND
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  return (await loadAsked(options)).config;
}

/** With what the user has said of it. */
export async function loadAsked({
  rootDir,
  env = process.env,
  pathsMustExist = true,
  forRun = false,
}: LoadOptions): Promise<AskedConfig> {
  const { file, workspaceRoot } = findWithDotenv(rootDir, env);
  const given = file === undefined ? {} : await readConfigFile(file);
  const checked = userConfigSchema.safeParse(given);
  const variables = readOverrides(env);
  const { allowContext } = variables.overrides;
  const folder = file === undefined ? rootDir : path.dirname(file);
  const said = checked.success
    ? sayingWhichCluster(override(checked.data, variables.overrides), { folder, env, allowContext })
    : undefined;
  const user = said?.config;
  refuse(file, [
    ...(checked.success ? [] : describeProblems(checked.error, given, knownKeys)),
    ...variables.problems,
    ...(user === undefined ? [] : contradictions(user)),
    ...(said?.problems ?? []),
  ]);
  const { runtime, nodeImages } = variables.overrides;
  const config = resolveConfig(user ?? {}, {
    ...{ rootDir, file, workspaceRoot, env, runtime, nodeImages },
    makesState: forRun,
  });
  if (pathsMustExist) refuse(file, missingPaths(config));
  // a mistake in their modules is told before anything is made
  if (forRun) for (const hook of [...config.setup, ...config.eachRun]) await readHook(hook);
  readWhole(config.dotenv, env);
  return { config, said: { ...user, runtime, stateDir: config.stateDir } };
}

/** `.env` may name the file, or the file's folder hold `.env`. */
function findWithDotenv(rootDir: string, env: NodeJS.ProcessEnv): FoundConfig {
  readDotenv(rootDir, env);
  const found = findConfig(rootDir, env['JEST_KUBERNETES_CONFIG'] || undefined);
  if (found.file !== undefined) readDotenv(path.dirname(found.file), env);
  return found;
}

/**
 * The configuration of a run: that of its Jest projects together, each read with its own `.env` files, which are then
 * added to `env`; where several set one variable, the first project's counts for the workers.
 * @param rootDirs - absolute paths: the projects' rootDirs
 * @returns undefined where `JEST_KUBERNETES` (in `.env` too) switches every project off
 * @throws JestKubernetesError as `loadConfig`; CONFIG_CONFLICT where projects want different clusters
 */
export async function loadRunConfig(
  rootDirs: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  { forRun = false }: Pick<LoadOptions, 'forRun'> = {},
): Promise<Config | undefined> {
  if (isOff(env)) return undefined;
  const projects = [...new Set(rootDirs)].map((rootDir) => {
    const own = { ...env };
    findWithDotenv(rootDir, own);
    return { rootDir, env: own, off: isOff(own) };
  });
  const asking = projects.filter(({ off }) => !off);
  const configs = await Promise.all(asking.map((project) => loadAsked({ ...project, forRun })));
  for (const own of (asking.length > 0 ? asking : projects).map((project) => project.env)) {
    for (const [name, value] of Object.entries(own)) env[name] ??= value;
  }
  return configs.length > 0 ? mergeConfigs(configs) : undefined;
}

function refuse(file: string | undefined, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new JestKubernetesError(
    'CONFIG_INVALID',
    `The configuration${file === undefined ? '' : ` ${nameOf(file)}`} is not valid`,
    { evidence: problems },
  );
}

function nameOf(file: string): string {
  return path.basename(file) === 'package.json' ? `"${packageKey}" in ${file}` : file;
}

/** What is allowed each by itself, and not together. */
function contradictions({ cluster = {} }: UserConfig): string[] {
  const existing = cluster.provider === 'existing';
  const only = (key: keyof typeof cluster, provider: string): string =>
    `cluster.${key}: it is for provider '${provider}' only, and the provider is '${cluster.provider ?? 'kind'}'`;
  return [
    ...(existing ? (['version', 'image', 'nodes', 'config', 'snapshot', 'standby'] as const) : [])
      .filter((key) => cluster[key] !== undefined)
      .map((key) => only(key, 'kind')),
    ...(existing ? [] : (['kubeconfig', 'context', 'conflicts'] as const))
      .filter((key) => cluster[key] !== undefined)
      .map((key) => only(key, 'existing')),
    ...(cluster.nodes !== undefined && cluster.config !== undefined
      ? ['cluster.nodes: a kind config (cluster.config) names the nodes itself']
      : []),
  ];
}
