import { execa } from 'execa';

import { findOnPath } from '../../runtime/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { type FetchOptions, fetchTool, type FoundTool, lookForRelease } from '../../tools/index.js';
import { kindRelease, oldestKind } from './kind-release.js';

const { install } = kindRelease;

/**
 * The kind on PATH, or else the pinned release, downloaded into the user's cache folder and checked.
 * @throws JestKubernetesError KIND_TOO_OLD, KIND_UNUSABLE, KIND_MISSING, KIND_CHECKSUM
 */
export async function findKind(options: FetchOptions): Promise<FoundTool> {
  const command = findOnPath('kind', options.env);
  return command === undefined ? fetchTool(kindRelease, options) : kindOnPath(command, options);
}

/**
 * In words, where `findKind` would have kind from. Nothing is downloaded, or written.
 * @throws JestKubernetesError as `findKind` would
 */
export async function lookForKind(options: Omit<FetchOptions, 'progress'>): Promise<string> {
  const onPath = findOnPath('kind', options.env);
  if (onPath === undefined) return lookForRelease(kindRelease, options);
  const { command, version } = await kindOnPath(onPath, options);
  return `kind ${version} at ${command}`;
}

async function kindOnPath(
  command: string,
  { env, signal }: Pick<FetchOptions, 'env' | 'signal'>,
): Promise<FoundTool> {
  const result = await execa(command, ['version'], {
    env,
    extendEnv: false,
    cancelSignal: signal,
    timeout: 10_000,
    reject: false,
  });
  signal.throwIfAborted();
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
  if (result.failed || version === undefined) {
    const evidence = result.failed
      ? [result.shortMessage ?? '', ...result.stderr.split('\n').slice(-3)]
      : [`\`${command} version\` printed: ${result.stdout.slice(0, 200)}`];
    throw new JestKubernetesError('KIND_UNUSABLE', `The kind on PATH, ${command}, does not run`, {
      evidence: evidence.filter((line) => line !== ''),
      remedy: `Install kind ${kindRelease.version} anew (${install}), or remove it from PATH: a fitting one is downloaded then.`,
      cause: result.failed ? result : undefined,
    });
  }
  if (isOlder(version, oldestKind)) {
    throw new JestKubernetesError(
      'KIND_TOO_OLD',
      `kind ${version} is too old: ${oldestKind} or newer is needed`,
      {
        evidence: [`found at ${command}`],
        remedy: `Install kind ${kindRelease.version} (${install}), or remove the old one from PATH: a fitting one is downloaded then.`,
      },
    );
  }
  return { command, version };
}

function isOlder(version: string, needed: string): boolean {
  return version.localeCompare(needed, 'en', { numeric: true }) < 0;
}
