import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { extract, pack } from 'tar-stream';

import { withoutContent } from '../../../src/images/known-content.js';

const signal = (): AbortSignal => new AbortController().signal;
const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const layers = [randomBytes(300_000), randomBytes(200_000)] as const;
const [first, second] = layers.map(digestOf) as [string, string];

/** An archive as Docker writes it. */
async function archive(): Promise<Buffer> {
  const entries = pack();
  const whole = buffer(entries);
  entries.entry({ name: 'blobs', type: 'directory' });
  entries.entry({ name: `blobs/sha256/${first}` }, layers[0]);
  entries.entry({ name: 'manifest.json' }, '[]');
  entries.entry({ name: `blobs/sha256/${second}` }, layers[1]);
  entries.finalize();
  return whole;
}

async function namesIn(tar: Buffer): Promise<Record<string, number>> {
  const names: Record<string, number> = {};
  const entries = extract();
  entries.on('entry', (header, content, next) => {
    names[header.name] = header.size;
    content.on('end', next).resume();
  });
  await pipeline(Readable.from([tar]), entries);
  return names;
}

const inPieces = (whole: Buffer): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(whole.length / 65_536) }, (_, n) =>
      whole.subarray(n * 65_536, (n + 1) * 65_536),
    ),
  );

test('a blob that is known is left out, and all else is as it was', async () => {
  const leftOut: number[] = [];
  const rest = await buffer(
    withoutContent(inPieces(await archive()), new Set([`sha256:${first}`]), signal(), (bytes) => {
      leftOut.push(bytes);
    }),
  );
  expect(leftOut).toEqual([300_000]);
  expect(await namesIn(rest)).toEqual({
    blobs: 0,
    'manifest.json': 2,
    [`blobs/sha256/${second}`]: 200_000,
  });
});

test.each([
  ['in a layer that is sent', new Set<string>()],
  ['in a layer that is left out', new Set([`sha256:${first}`])],
])('an interruption %s ends it with one error, and nothing goes unheard', async (_, known) => {
  const unheard: unknown[] = [];
  const listen = (error: unknown): void => void unheard.push(error);
  process.on('uncaughtException', listen);
  const interruption = new AbortController();
  try {
    const whole = await archive();
    async function* pieces(): AsyncGenerator<Buffer> {
      yield whole.subarray(0, 100_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      interruption.abort(new Error('Ctrl-C'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield whole.subarray(100_000);
    }
    await expect(
      buffer(withoutContent(Readable.from(pieces()), known, interruption.signal)),
    ).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    process.off('uncaughtException', listen);
  }
  expect(unheard).toEqual([]);
});

test('what is no archive is told', async () => {
  await expect(
    buffer(withoutContent(Readable.from([randomBytes(2048)]), new Set(), signal())),
  ).rejects.toThrow(/tar/i);
});
