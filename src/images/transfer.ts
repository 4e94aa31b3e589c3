import { addAbortSignal, type Readable } from 'node:stream';

import { inWords, type Progress } from '../report/index.js';
import { orAborted } from '../support/abort.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { messageOf } from '../support/errors.js';
import type { ImageReference } from '../support/image-reference.js';
import type { Engine } from './engine.js';
import { beginTransfer, loadEngineClient } from './engine-client.js';
import { type LayerLine, Layers } from './layers.js';

export interface TransferOptions {
  runtime: Engine;
  signal: AbortSignal;
  progress: Progress;
  /** How long nothing may come, in milliseconds. */
  stall: number;
}

/** A transfer that failed, with what the engine said; what went wrong between it and us is told as such. */
export class TransferFailure extends Error {
  constructor(
    readonly words: string,
    cause?: unknown,
  ) {
    super(words, { cause });
  }
}

/** A line of the engine's answer. */
interface TransferLine extends LayerLine {
  error?: string;
}

/**
 * Pulls or pushes an image by the engine's API, whose stream is read here for its progress and its failures:
 * `docker push` tells nothing while a layer is on its way.
 * @param direction - which way it goes, as dockerode calls it
 * @returns how many bytes went
 * @throws TransferFailure, or the signal's reason
 */
export async function transferByApi(
  direction: 'pull' | 'push',
  image: ImageReference,
  { runtime, signal, progress, stall }: TransferOptions,
): Promise<number> {
  // on a busy machine a second or two, for which no registry is to blame
  await loadEngineClient();
  const stalled = new AbortController();
  using patience = new AwakeTimer(stall, () => {
    stalled.abort();
  });
  const bound = AbortSignal.any([signal, stalled.signal]);
  const layers = new Layers();
  try {
    // not all that testcontainers does can be aborted
    const stream = await orAborted(beginTransfer(direction, image, runtime, bound), bound);
    for await (const text of linesOf(addAbortSignal(bound, stream))) {
      const line = JSON.parse(text) as TransferLine;
      if (line.error !== undefined) throw new TransferFailure(line.error);
      // the engine itself tries again, and counts the seconds down: nothing moves meanwhile
      if (line.status?.startsWith('Retrying')) continue;
      patience.restart();
      layers.see(line);
      progress.moved(layers.detail ?? line.status);
    }
    return layers.bytes.done;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TransferFailure) throw error;
    const soFar = layers.detail === undefined ? '' : `, after ${inWords(layers.detail)}`;
    const words = stalled.signal.aborted
      ? `timed out: nothing came for ${stall / 1000} s${soFar}`
      : wordsOf(error);
    throw new TransferFailure(words, error);
  }
}

/** What the engine said; what went wrong between it and us is told as such, so that no registry is blamed for it. */
function wordsOf(error: unknown): string {
  const message = messageOf(error);
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  const broke = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code ?? '');
  if (statusCode === undefined) return broke ? `the engine's answer broke off: ${message}` : message;
  // dockerode puts the API's status before the engine's words
  return message.replace(/^\(HTTP code \d+\)[^-]*- /, '');
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const text of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
  if (rest.trim() !== '') yield rest;
}
