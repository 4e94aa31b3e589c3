import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

import pRetry, { AbortError } from 'p-retry';

import type { Progress } from '../../report/index.js';

export interface Download {
  url: string;
  /** Absolute path; it is there whole and right, or not at all. */
  file: string;
  sha256: string;
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
 * @throws ChecksumError, or what `fetch` throws
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

async function attempt({ url, file, sha256, signal, progress, stall = 30_000 }: Download): Promise<void> {
  const stalled = new AbortController();
  const clock = setTimeout(() => {
    stalled.abort(new Error(`not a byte came for ${stall / 1000} s`));
  }, stall);
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const bound = AbortSignal.any([signal, stalled.signal]);
    const response = await fetch(url, { signal: bound });
    if (!response.ok || response.body === null) {
      const refusal = new Error(`the server answered ${response.status} ${response.statusText}`);
      throw response.status < 500 && response.status !== 429 ? new AbortError(refusal) : refusal;
    }
    const size = Number(response.headers.get('content-length'));
    const hash = createHash('sha256');
    let bytes = 0;
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          clock.refresh();
          hash.update(chunk);
          bytes += chunk.length;
          progress.moved(`${megabytes(bytes)}${size > 0 ? ` of ${megabytes(size)}` : ''} MB`);
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

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
