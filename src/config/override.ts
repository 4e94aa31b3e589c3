import type * as z from 'zod';

import type { Config } from './config.js';
import type { UserConfig } from './define-config.js';
import { describeValue } from './problems.js';
import { variableSchemas } from './schema.js';

/** What the variables say; what they do not say is undefined. */
export interface Overrides {
  provider: 'kind' | 'existing' | undefined;
  name: string | undefined;
  version: string | undefined;
  nodeImage: string | undefined;
  /** A repository in place of `kindest/node`. */
  nodeImages: string | undefined;
  keep: Config['keep'] | undefined;
  snapshot: boolean | undefined;
  quiet: boolean | undefined;
  images: string[] | undefined;
  runtime: Config['runtime'];
  /** The context that the current one of a kubeconfig may be. */
  allowContext: string | undefined;
}

/** Reads the variables that override the file, with one line for each that is wrong. An empty one counts as not set. */
export function readOverrides(env: NodeJS.ProcessEnv): { overrides: Overrides; problems: string[] } {
  const problems: string[] = [];
  const checked = <T>(name: string, value: string | undefined, schema: z.ZodType<T>): T | undefined => {
    if (value === undefined) return undefined;
    const { success, data, error } = schema.safeParse(value);
    if (success) return data;
    problems.push(...error.issues.map((issue) => describeValue(name, value, issue.message)));
    return undefined;
  };
  const variable = <T>(name: string, schema: z.ZodType<T>): T | undefined =>
    checked(name, env[name]?.trim() || undefined, schema);
  const images = env['JEST_KUBERNETES_IMAGES'] || undefined;
  const overrides = {
    provider: variable('JEST_KUBERNETES_PROVIDER', variableSchemas.provider),
    name: variable('JEST_KUBERNETES_NAME', variableSchemas.name),
    version: variable('JEST_KUBERNETES_VERSION', variableSchemas.version),
    nodeImage: variable('JEST_KUBERNETES_NODE_IMAGE', variableSchemas.nodeImage),
    nodeImages: variable('JEST_KUBERNETES_NODE_IMAGES', variableSchemas.nodeImages),
    keep: variable('JEST_KUBERNETES_KEEP', variableSchemas.keep),
    snapshot: variable('JEST_KUBERNETES_SNAPSHOT', variableSchemas.snapshot),
    quiet: variable('JEST_KUBERNETES_QUIET', variableSchemas.quiet),
    images: images
      ?.split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .flatMap((each) => checked('JEST_KUBERNETES_IMAGES', each, variableSchemas.image) ?? []),
    runtime: variable('JEST_KUBERNETES_RUNTIME', variableSchemas.runtime),
    allowContext: variable('JEST_KUBERNETES_ALLOW_CONTEXT', variableSchemas.allowContext),
  };
  return { overrides, problems };
}

/** The file's configuration with what the variables say in its place. */
export function override(config: UserConfig, overrides: Overrides): UserConfig {
  const { provider, name, version, nodeImage, keep, quiet, snapshot, images } = overrides;
  const given = config.cluster ?? {};
  const cluster = {
    ...(provider === undefined || provider === given.provider ? given : withoutOthers(given, provider)),
    ...(provider === undefined ? {} : { provider }),
    ...(name === undefined ? {} : { name }),
  };
  // the version, node image and snapshot of the environment say nothing of a cluster that is there already
  if (cluster.provider !== 'existing') {
    // nor does the file's image win over the environment's version
    if (version !== undefined) Object.assign(cluster, { version, image: undefined });
    if (nodeImage !== undefined) cluster.image = nodeImage;
    if (snapshot !== undefined) cluster.snapshot = snapshot;
  }
  return {
    ...config,
    cluster,
    ...(keep === undefined ? {} : { keep }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(images === undefined ? {} : { images }),
  };
}

/** Where a variable changes the provider, what the file says of the other one has no meaning. */
function withoutOthers(
  {
    name,
    version,
    image,
    nodes,
    config,
    snapshot,
    standby,
    kubeconfig,
    context,
    conflicts,
  }: NonNullable<UserConfig['cluster']>,
  provider: 'kind' | 'existing',
): NonNullable<UserConfig['cluster']> {
  return provider === 'kind'
    ? { name, version, image, nodes, config, snapshot, standby }
    : { name, kubeconfig, context, conflicts };
}
