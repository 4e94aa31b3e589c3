import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import type { Progress } from '../report/index.js';
import { causeOf, JestKubernetesError } from '../support/errors.js';
import { sha256 as digestOf } from '../support/sha256.js';
import { ChecksumError, downloadExecutable } from './download.js';
import { proxiesNamed } from './get.js';
import type { Release } from './release.js';
import { isUnpacked, unpack } from './unpack.js';

export interface FetchOptions {
  env: NodeJS.ProcessEnv;
  /** Absolute path; default: jest-kubernetes in the user's cache folder. */
  cacheDir?: string | undefined;
  signal: AbortSignal;
  progress: Progress;
}

export interface FoundTool {
  /** Absolute path. */
  command: string;
  /** Such as `0.33.0`. */
  version: string;
}

/**
 * A release's program, from the user's cache folder, or else downloaded into it and checked.
 * @throws JestKubernetesError with the release's codes: it cannot be had; it is not the one released
 */
export async function fetchTool(
  release: Release,
  { env, cacheDir, signal, progress }: FetchOptions,
): Promise<FoundTool> {
  const { name, version, install, variable, codes } = release;
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const sha256 = release.checksums[platform];
  const base = env[variable] ?? release.baseUrl;
  const url = `${base.replace(/\/+$/, '')}/${release.path(version, platform)}`;
  const command = path.join(cacheDir ?? defaultCacheDir(env), `${name}-v${version}-${platform}`);
  if (sha256 === undefined) {
    throw new JestKubernetesError(
      codes.missing,
      `${name} is not on PATH, and none is known for ${platform}`,
      {
        remedy: `Install ${name} ${version}: ${install}.`,
      },
    );
  }
  const inside = release.inside?.(platform);
  const isThere =
    inside === undefined ? (await sha256Of(command)) === sha256 : await isUnpacked(command, sha256);
  if (isThere) return { command, version };

  progress.waitingFor(`${name} ${version} from ${url}`);
  progress.note(`${name} is not on PATH: downloading ${url}`);
  const download = { url, sha256, env, signal, progress };
  try {
    if (inside === undefined) await downloadExecutable({ ...download, file: command });
    else await unpack({ ...download, inside, command });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ChecksumError) {
      await rm(command, { force: true });
      throw new JestKubernetesError(
        codes.checksum,
        `The ${name} downloaded from ${url} is not the one released`,
        {
          evidence: [
            `expected SHA-256 ${error.expected}`,
            `received SHA-256 ${error.actual} (${error.bytes} bytes)`,
          ],
          remedy: `See what answers at that address (a proxy's page?), or install ${name} ${version}: ${install}.`,
          cause: error,
        },
      );
    }
    throw new JestKubernetesError(codes.missing, `${name} is not on PATH, and could not be downloaded`, {
      evidence: [
        `${url}: ${causeOf(error)}`,
        ...proxiesNamed(env).map((proxy) => `the environment names a proxy: ${proxy}`),
      ],
      remedy: `Install ${name} ${version} (${install}), or set ${variable} to a mirror of its releases.`,
      cause: error,
    });
  }
  return { command, version };
}

async function sha256Of(file: string): Promise<string | undefined> {
  try {
    return digestOf(await readFile(file));
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
