import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import type { Progress } from '../../report/index.js';
import { findOnPath } from '../../runtime/index.js';
import { causeOf, JestKubernetesError } from '../../support/errors.js';
import { ChecksumError, downloadExecutable } from './download.js';
import { proxiesNamed } from './get.js';
import { kindBaseUrl, kindRelease, oldestKind } from './kind-release.js';

export interface FindKindOptions {
  env: NodeJS.ProcessEnv;
  /** Absolute path; default: jest-kubernetes in the user's cache folder. */
  cacheDir?: string | undefined;
  signal: AbortSignal;
  progress: Progress;
}

export interface FoundKind {
  /** Absolute path. */
  command: string;
  /** Such as `0.33.0`. */
  version: string;
}

const install = 'https://kind.sigs.k8s.io/docs/user/quick-start/#installation';

/**
 * The kind on PATH, or else the pinned release, downloaded into the user's cache folder and checked.
 * @throws JestKubernetesError KIND_TOO_OLD, KIND_UNUSABLE, KIND_MISSING, KIND_CHECKSUM
 */
export async function findKind(options: FindKindOptions): Promise<FoundKind> {
  const command = findOnPath('kind', options.env);
  return command === undefined ? downloadedKind(options) : kindOnPath(command, options);
}

async function kindOnPath(command: string, { env, signal }: FindKindOptions): Promise<FoundKind> {
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

async function downloadedKind({ env, cacheDir, signal, progress }: FindKindOptions): Promise<FoundKind> {
  const { version } = kindRelease;
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const sha256 = kindRelease.checksums[platform];
  const base = env['JEST_KUBERNETES_KIND_BASE_URL'] ?? kindBaseUrl;
  const url = `${base.replace(/\/+$/, '')}/v${version}/kind-${platform}`;
  const command = path.join(cacheDir ?? defaultCacheDir(env), `kind-v${version}-${platform}`);
  if (sha256 === undefined) {
    throw new JestKubernetesError('KIND_MISSING', `kind is not on PATH, and none is known for ${platform}`, {
      remedy: `Install kind ${version}: ${install}.`,
    });
  }
  if ((await sha256Of(command)) === sha256) return { command, version };

  progress.waitingFor(`kind ${version} from ${url}`);
  progress.note(`kind is not on PATH: downloading ${url}`);
  try {
    await downloadExecutable({ url, file: command, sha256, env, signal, progress });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ChecksumError) {
      await rm(command, { force: true });
      throw new JestKubernetesError(
        'KIND_CHECKSUM',
        `The kind downloaded from ${url} is not the one released`,
        {
          evidence: [
            `expected SHA-256 ${error.expected}`,
            `received SHA-256 ${error.actual} (${error.bytes} bytes)`,
          ],
          remedy: `See what answers at that address (a proxy's page?), or install kind ${version}: ${install}.`,
          cause: error,
        },
      );
    }
    throw new JestKubernetesError('KIND_MISSING', 'kind is not on PATH, and could not be downloaded', {
      evidence: [
        `${url}: ${causeOf(error)}`,
        ...proxiesNamed(env).map((variable) => `the environment names a proxy: ${variable}`),
      ],
      remedy: `Install kind ${version} (${install}), or set JEST_KUBERNETES_KIND_BASE_URL to a mirror of its releases.`,
      cause: error,
    });
  }
  return { command, version };
}

async function sha256Of(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return undefined;
  }
}

function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] || homedir();
  const named = env['XDG_CACHE_HOME'] ?? '';
  const usual = process.platform === 'darwin' ? 'Library/Caches' : '.cache';
  // by its specification an empty one is unset, and a relative one is not to be used
  return path.join(path.isAbsolute(named) ? named : path.join(home, usual), 'jest-kubernetes');
}

function isOlder(version: string, needed: string): boolean {
  return version.localeCompare(needed, 'en', { numeric: true }) < 0;
}
