import type { Config } from './config.js';
import { readOverrides } from './override.js';
import { resolveConfig } from './resolve.js';

/**
 * What there is of a configuration where its file cannot be read: the state directory, the engine, and defaults. It is
 * enough for what is done to a cluster that is named, and its own name means nothing.
 * @param rootDir - absolute path
 * @throws JestKubernetesError CONFIG_INVALID where JEST_KUBERNETES_STATE_DIR is not valid
 */
export function configWithoutFile(rootDir: string, env: NodeJS.ProcessEnv = process.env): Config {
  const { runtime, nodeImages } = readOverrides(env).overrides;
  const options = { rootDir, file: undefined, workspaceRoot: rootDir, env, runtime, nodeImages };
  return resolveConfig({}, { ...options, makesState: false });
}
