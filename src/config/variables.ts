import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parse } from 'dotenv';

import { JestKubernetesError } from '../support/errors.js';
import { nearest } from '../support/nearest.js';

/** What each variable overrides, and those that the package itself sets. */
const variables = {
  JEST_KUBERNETES: 'everything',
  JEST_KUBERNETES_PROVIDER: 'cluster.provider',
  JEST_KUBERNETES_NAME: 'cluster.name',
  JEST_KUBERNETES_NODE_IMAGE: 'cluster.image',
  JEST_KUBERNETES_KEEP: 'keep',
  JEST_KUBERNETES_IMAGES: 'images',
  JEST_KUBERNETES_RUNTIME: 'the container engine',
  JEST_KUBERNETES_STATE_DIR: 'the state directory',
  JEST_KUBERNETES_CONFIG: 'the configuration file',
  JEST_KUBERNETES_KIND_BASE_URL: 'where kind is downloaded from',
  JEST_KUBERNETES_CLUSTER: undefined,
  JEST_KUBERNETES_CONTEXT: undefined,
  JEST_KUBERNETES_RUN_ID: undefined,
  JEST_KUBERNETES_POSTGRES: undefined,
} as const satisfies Record<string, string | undefined>;

const off = ['off', 'false', '0'];
const on = ['on', 'true', '1', ''];

/**
 * Whether `JEST_KUBERNETES` switches everything off.
 * @throws JestKubernetesError CONFIG_INVALID for a value that is neither on nor off
 */
export function isOff(env: NodeJS.ProcessEnv = process.env): boolean {
  const value = (env['JEST_KUBERNETES'] ?? '').toLowerCase();
  if (off.includes(value)) return true;
  if (on.includes(value)) return false;
  throw new JestKubernetesError('CONFIG_INVALID', `JEST_KUBERNETES is “${value}”`, {
    evidence: ['allowed are off, false and 0, or on, true and 1'],
  });
}

/** One line for each `JEST_KUBERNETES_` variable that nobody knows. */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('JEST_KUBERNETES_') && !(name in variables))
    .map((name) => {
      const meant = nearest(name, Object.keys(variables));
      return `the variable ${name} is not known${meant === undefined ? '' : `: did you mean ${meant}?`}`;
    });
}

/**
 * Reads `.env.test` and `.env` of a folder into the environment. What is set there already stays; of the two files,
 * `.env.test` wins.
 */
export function readDotenv(folder: string, env: NodeJS.ProcessEnv): void {
  for (const name of ['.env.test', '.env']) {
    let text: string;
    try {
      text = readFileSync(path.join(folder, name), 'utf8');
    } catch {
      continue;
    }
    for (const [key, value] of Object.entries(parse(text))) env[key] ??= value;
  }
}
