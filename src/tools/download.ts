import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

import pRetry, { AbortError } from 'p-retry';

import type { Progress } from '../report/index.js';
import { get } from './get.js';

export interface Download {
  url: string;
  /** Absolute path; it is there whole and right, or not at all. */
  file: string;
  sha256: string;
  /** Names the proxy, where there is one. Default: this process's. */
  env?: NodeJS.ProcessEnv;
  signal: AbortSignal;
  progress: Progress;
  /** How long not a single byte may come, in milliseconds; default 30 s. */
  stall?: number;
}

/** What came is not what was asked for. */
export class ChecksumError extends Error {
  constructor(
    readonly expected: string,
    readonly actual: string,
    readonly bytes: number,
  ) {
    super(`SHA-256 is ${actual}, not ${expected}`);
  }
}

/**
 * Downloads an executable, twice more when the connection fails in passing. Each download has a file of its own
 * until it is checked, so any number of processes may do it at once.
 * @throws ChecksumError, or what the connection says
 */
export async function downloadExecutable(download: Download): Promise<void> {
  await mkdir(path.dirname(download.file), { recursive: true });
  await pRetry(() => attempt(download), {
    retries: 2,
    minTimeout: 300,
    signal: download.signal,
    shouldRetry: ({ error }) => !(error instanceof ChecksumError),
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (retriesLeft > 0) download.progress.waitingFor(`${download.url} once more after: ${error.message}`);
    },
  });
}

async function attempt(download: Download): Promise<void> {
  const { url, file, sha256, env = process.env, signal, progress, stall = 30_000 } = download;
  const stalled = new AbortController();
  const clock = setTimeout(() => {
    stalled.abort(new Error(`not a byte came for ${stall / 1000} s`));
  }, stall);
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const bound = AbortSignal.any([signal, stalled.signal]);
    const response = await get(url, { env, signal: bound });
    const { statusCode: status = 0, statusMessage = '' } = response;
    if (status !== 200) {
      response.destroy();
      const refusal = new Error(`the server answered ${status} ${statusMessage}`);
      throw status < 500 && status !== 429 ? new AbortError(refusal) : refusal;
    }
    const size = Number(response.headers['content-length']);
    const hash = createHash('sha256');
    let bytes = 0;
    await pipeline(
      response,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          clock.refresh();
          hash.update(chunk);
          bytes += chunk.length;
          progress.moved({ done: bytes, total: size });
          yield chunk;
        }
      },
      createWriteStream(temporary, { flags: 'wx' }),
      { signal: bound },
    );
    const actual = hash.digest('hex');
    if (actual !== sha256) throw new ChecksumError(sha256, actual, bytes);
    await chmod(temporary, 0o755);
    await rename(temporary, file);
  } catch (error) {
    // an abort reads "This operation was aborted": the reason says more
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    clearTimeout(clock);
    await rm(temporary, { force: true });
  }
}
