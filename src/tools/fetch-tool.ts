import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import type { Progress } from '../report/index.js';
import { causeOf, JestKubernetesError } from '../support/errors.js';
import { sha256 as digestOf } from '../support/sha256.js';
import { ChecksumError, downloadExecutable } from './download.js';
import { get, proxiesNamed } from './get.js';
import type { Release } from './release.js';
import { isUnpacked, unpack } from './unpack.js';

/** How long a server may take to answer where it is only asked whether a program is there, in milliseconds. */
const answerLimit = 20_000;

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

/** Where a release's program is, or would come from. */
interface Place {
  platform: string;
  /** Of what is downloaded; undefined where none is known for this platform. */
  sha256: string | undefined;
  url: string;
  /** Absolute path in the cache folder. */
  command: string;
}

function placeOf(release: Release, { env, cacheDir }: Pick<FetchOptions, 'env' | 'cacheDir'>): Place {
  const { name, version, variable } = release;
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const base = env[variable] ?? release.baseUrl;
  return {
    platform,
    sha256: release.checksums[platform],
    url: `${base.replace(/\/+$/, '')}/${release.path(version, platform)}`,
    command: path.join(cacheDir ?? defaultCacheDir(env), `${name}-v${version}-${platform}`),
  };
}

/** @throws JestKubernetesError where none is known for this platform */
async function isInCache(release: Release, { platform, sha256, command }: Place): Promise<boolean> {
  const { name, version, install, codes } = release;
  if (sha256 === undefined) {
    throw new JestKubernetesError(
      codes.missing,
      `${name} is not on PATH, and none is known for ${platform}`,
      { remedy: `Install ${name} ${version}: ${install}.` },
    );
  }
  const inside = release.inside?.(platform);
  return inside === undefined ? (await sha256Of(command)) === sha256 : await isUnpacked(command, sha256);
}

/**
 * A release's program, from the user's cache folder, or else downloaded into it and checked.
 * @throws JestKubernetesError with the release's codes: it cannot be had; it is not the one released
 */
export async function fetchTool(release: Release, options: FetchOptions): Promise<FoundTool> {
  const { env, signal, progress } = options;
  const { name, version, install, codes } = release;
  const place = placeOf(release, options);
  const { platform, sha256 = '', url, command } = place;
  if (await isInCache(release, place)) return { command, version };
  const inside = release.inside?.(platform);

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
    throw notToBeHad(release, url, env, error);
  }
  return { command, version };
}

function notToBeHad(
  { name, version, install, variable, codes }: Release,
  url: string,
  env: NodeJS.ProcessEnv,
  error: unknown,
): JestKubernetesError {
  return new JestKubernetesError(codes.missing, `${name} is not on PATH, and could not be downloaded`, {
    evidence: [
      `${url}: ${causeOf(error)}`,
      ...proxiesNamed(env).map((proxy) => `the environment names a proxy: ${proxy}`),
    ],
    remedy: `Install ${name} ${version} (${install}), or set ${variable} to a mirror of its releases.`,
    cause: error,
  });
}

/**
 * In words, where `fetchTool` would have a release's program from. Nothing is downloaded, or written.
 * @throws JestKubernetesError as `fetchTool` would
 */
export async function lookForRelease(
  release: Release,
  { env, cacheDir, signal }: Omit<FetchOptions, 'progress'>,
): Promise<string> {
  const place = placeOf(release, { env, cacheDir });
  const { name, version } = release;
  if (await isInCache(release, place)) return `${name} ${version} at ${place.command}`;
  try {
    const response = await get(place.url, {
      env,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerLimit)]),
    });
    response.destroy();
    if (response.statusCode !== 200)
      throw new Error(`the server answered ${response.statusCode ?? 0} ${response.statusMessage ?? ''}`);
  } catch (error) {
    signal.throwIfAborted();
    throw notToBeHad(release, place.url, env, error);
  }
  return `${name} ${version}, to be downloaded from ${place.url}, which answers`;
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
