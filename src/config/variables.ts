import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parse } from 'dotenv';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import { nearest } from '../support/nearest.js';
import { isSwitchedOff } from '../support/switched-off.js';

/** Those that a user may set. */
const settable = [
  /** `cluster.provider`. */
  'JEST_KUBERNETES_PROVIDER',
  /** `cluster.name`. */
  'JEST_KUBERNETES_NAME',
  /** `cluster.version`; it wins over `cluster.image` of the file too. */
  'JEST_KUBERNETES_VERSION',
  /** `cluster.image`; it wins over `JEST_KUBERNETES_VERSION`. */
  'JEST_KUBERNETES_NODE_IMAGE',
  /** The repository that node images come from, by tag, instead of `kindest/node`. */
  'JEST_KUBERNETES_NODE_IMAGES',
  /** `keep`. */
  'JEST_KUBERNETES_KEEP',
  /** `cluster.snapshot`: `on` or `off`. */
  'JEST_KUBERNETES_SNAPSHOT',
  /** `quiet`: `on` or `off`. */
  'JEST_KUBERNETES_QUIET',
  /** `images`, comma-separated. */
  'JEST_KUBERNETES_IMAGES',
  /** `docker`, `podman` or `nerdctl`. Default: the engine that `DOCKER_HOST` names, or the one that answers. */
  'JEST_KUBERNETES_RUNTIME',
  /** For an existing cluster: the name of a context that may be used where it is the current one. */
  'JEST_KUBERNETES_ALLOW_CONTEXT',
  /** Where leases, kubeconfigs and logs live. Absolute, or from `~/`. Default: `jest-kubernetes` in `$XDG_STATE_HOME` or `~/.local/state`, on macOS in `~/Library/Application Support`. */
  'JEST_KUBERNETES_STATE_DIR',
  /** The configuration file, from Jest’s `rootDir`. */
  'JEST_KUBERNETES_CONFIG',
  /** A mirror of `https://github.com/kubernetes-sigs/kind/releases/download`. */
  'JEST_KUBERNETES_KIND_BASE_URL',
  /** A mirror of `https://dl.k8s.io/release`. */
  'JEST_KUBERNETES_KUBECTL_BASE_URL',
  /** A mirror of `https://get.helm.sh`. */
  'JEST_KUBERNETES_HELM_BASE_URL',
];

/** Those that the package sets for its workers: a run that is started from a test inherits them. */
const ours = [
  /** The cluster’s name. */
  'JEST_KUBERNETES_CLUSTER',
  /** The context in the kubeconfig. */
  'JEST_KUBERNETES_CONTEXT',
  /** This run’s id. */
  'JEST_KUBERNETES_RUN_ID',
  /** In an existing cluster, the value of the label `jest-kubernetes/owner` on what is this set-up’s. */
  'JEST_KUBERNETES_OWNER',
  /** Internal: where a failure is noted. */
  'JEST_KUBERNETES_FAILED',
  /** Internal: where bundles go. */
  'JEST_KUBERNETES_DIAGNOSTICS',
  /** Internal: where PostgreSQL is. */
  'JEST_KUBERNETES_POSTGRES',
  /** Internal: the worker whose database the other variables name. */
  'JEST_KUBERNETES_DATABASE_OF',
];

const prefix = 'JEST_KUBERNETES_';
const on = ['on', 'true', '1', ''];

/**
 * Whether `JEST_KUBERNETES` switches everything off.
 * @throws JestKubernetesError CONFIG_INVALID for a value that is neither on nor off
 */
export function isOff(env: NodeJS.ProcessEnv = process.env): boolean {
  if (isSwitchedOff(env)) return true;
  const value = env['JEST_KUBERNETES'] ?? '';
  if (on.includes(value.toLowerCase())) return false;
  throw new JestKubernetesError('CONFIG_INVALID', 'The variable JEST_KUBERNETES is not valid', {
    evidence: [
      `JEST_KUBERNETES: it is ${JSON.stringify(value)}, but allowed is 'off' (or 'false', '0') or 'on' (or 'true', '1')`,
    ],
    remedy: 'Correct the variable, or unset it, which is on.',
  });
}

/** One sentence for each `JEST_KUBERNETES_` variable that nobody knows; call it when `.env` has been read. */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !settable.includes(name) && !ours.includes(name))
    .sort()
    .map((name) => {
      const short = (each: string): string => each.slice(prefix.length);
      // without what all have in common, in which nobody errs
      const meant = nearest(short(name), settable.map(short));
      return `The variable ${name} is not known and changes nothing; ${
        meant === undefined ? `known are ${settable.join(', ')}.` : `did you mean ${prefix}${meant}?`
      }`;
    });
}

/** Those of them that name a mirror, of releases or of node images. */
export const mirrorVariables = (): string[] =>
  settable.filter((name) => /_BASE_URL$|_NODE_IMAGES$/.test(name));

/**
 * Reads what `.env.test` and `.env` of a folder say to this package, their `JEST_KUBERNETES` lines, into the environment:
 * what else stands there is another program's, such as a production `DATABASE_URL`. What is set there already stays; of
 * the two files, `.env.test` wins.
 */
export function readDotenv(folder: string, env: NodeJS.ProcessEnv): void {
  for (const name of ['.env.test', '.env']) {
    for (const [key, value] of Object.entries(readFile(path.join(folder, name)))) {
      if (key === 'JEST_KUBERNETES' || key.startsWith(prefix)) env[key] ??= value;
    }
  }
}

/** Reads files whole into the environment. What is set there already stays; of two files, the first wins. */
export function readWhole(files: readonly string[], env: NodeJS.ProcessEnv): void {
  for (const file of files) {
    for (const [key, value] of Object.entries(readFile(file))) env[key] ??= value;
  }
}

/** Nothing, where it is not there. */
function readFile(file: string): Record<string, string> {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return {};
    throw new JestKubernetesError('CONFIG_INVALID', `${file} cannot be read`, {
      evidence: [messageOf(cause)],
      cause,
    });
  }
}
