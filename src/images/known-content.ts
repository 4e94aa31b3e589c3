import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { extract, pack } from 'tar-stream';

import { type Engine, runEngine } from './engine.js';

/** Content by its digest, in an OCI layout: an archive of Docker has been one since 25, of nerdctl always. */
const blob = /^blobs\/(\w+)\/([0-9a-f]+)$/;

/** The digests of what every one of the nodes has in its content store: layers above all, whichever image brought them. */
export async function contentOfAll(
  nodes: readonly { name: string }[],
  engine: Engine,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const list = ['ctr', '--namespace=k8s.io', 'content', 'ls', '--quiet'];
  const [first = [], ...others] = await Promise.all(
    nodes.map(async ({ name }) => {
      const { failed, stdout } = await runEngine(engine, ['exec', name, ...list], { signal });
      return failed ? [] : stdout.split('\n').filter(Boolean);
    }),
  );
  return new Set(first.filter((digest) => others.every((each) => each.includes(digest))));
}

const ignored = (): void => undefined;

/**
 * An image's archive without the content that is known where it goes: containerd finds that in its own store.
 * @param onLeftOut - told of each part that is left out, with its size in bytes
 */
export function withoutContent(
  archive: Readable,
  known: ReadonlySet<string>,
  signal: AbortSignal,
  onLeftOut: (bytes: number) => void = ignored,
): Readable {
  const entries = extract();
  const rest = pack();
  entries.on('entry', (header, content, next) => {
    // what ends the archive ends each of its parts too, and is told once
    content.on('error', ignored);
    const [, algorithm, hash] = blob.exec(header.name) ?? [];
    if (known.has(`${algorithm}:${hash}`)) {
      onLeftOut(header.size);
      content.on('end', next).resume();
    } else content.pipe(rest.entry(header, next).on('error', ignored));
  });
  entries.on('finish', () => {
    rest.finalize();
  });
  const readable = new PassThrough();
  const broke = (error: Error): void => {
    readable.destroy(error);
  };
  pipeline(archive, entries, { signal }).catch(broke);
  pipeline(rest, readable, { signal }).catch(broke);
  return readable;
}
