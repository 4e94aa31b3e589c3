import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { PassThrough, Readable, type Writable } from 'node:stream';

import type { Api } from '../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { lastLines } from '../support/lines.js';
import { tar, type TarHeader } from '../support/native.js';
import { cluster } from './cluster.js';
import { Collected } from './collected.js';
import { type Place, placeInPod, unusable } from './copy-place.js';
import { ranIn } from './exec.js';
import { GivenInput } from './given-input.js';
import {
  type ContainerOptions,
  describeContainer,
  type RunningContainer,
  runningContainer,
} from './running-container.js';
import { currentScope } from './test-file.js';

/**
 * Copies a file or a folder into a container, or out of it, as it is and of any size. It needs `tar` in the image.
 *
 * `to` is the path that it has afterwards, or, with a slash at its end, the folder that it is put into. Folders on the way
 * are made; what is in a folder that is there already stays. Symbolic links are followed; owners are not kept.
 *
 * @param from - a path, relative to the working directory; or `pod/web:/absolute/path`, also of a workload
 * @param to - likewise; one of both is in a container
 * @example
 * await cp('./fixtures', 'pod/web:/srv/fixtures');
 * await cp('deployment/web:/var/log/app.log', './logs/');
 * @throws JestKubernetesError COPY_FAILED where there is no such file, or no tar in the image; TARGET_INVALID;
 *   POD_NOT_READY where no container runs; FORBIDDEN; NO_CLUSTER
 */
export async function cp(from: Place, to: Place, options: ContainerOptions = {}): Promise<void> {
  const scope = currentScope();
  const { api } = cluster();
  const [inPodFrom, inPodTo] = [placeInPod(from), placeInPod(to)];
  if (inPodFrom !== undefined && typeof to === 'string' && inPodTo === undefined) {
    const place = await runningContainer(inPodFrom.target, { ...options, scope });
    await download(api, { place, signal: scope.signal }, inPodFrom.path, localPath(to, inPodFrom.path));
  } else if (inPodTo !== undefined && typeof from === 'string' && inPodFrom === undefined) {
    const path = inPodTo.path.endsWith('/')
      ? posix.join(inPodTo.path, basename(resolve(from)))
      : inPodTo.path;
    const to = posix.normalize(path);
    const entries = await entriesOf(from, to);
    const place = await runningContainer(inPodTo.target, { ...options, scope });
    await upload(api, { place, signal: scope.signal }, entries, to);
  } else {
    const both = inPodFrom === undefined ? 'neither path is in a container' : 'both paths are in a container';
    throw unusable('there', both);
  }
}

interface Where {
  place: RunningContainer;
  signal: AbortSignal;
}

const localPath = (to: string, path: string): string =>
  resolve(to.endsWith('/') ? join(to, posix.basename(path)) : to);

interface Entries {
  folder: string;
  names: string[];
  /** The one file; undefined for a folder. */
  file: string | undefined;
}

async function entriesOf(from: string, to: string): Promise<Entries> {
  try {
    const path = await realpath(from);
    if (!(await stat(path)).isDirectory()) {
      requirePlain(to);
      return { folder: dirname(path), names: [basename(path)], file: basename(path) };
    }
    for await (const each of pathsIn(path)) requirePlain(`${to}/${each}`);
    const names = await readdir(path);
    // the folder itself is told of only where nothing else is: one that is there keeps its mode
    return { folder: path, names: names.length === 0 ? ['.'] : names, file: undefined };
  } catch (error) {
    if (error instanceof JestKubernetesError) throw error;
    throw new JestKubernetesError('COPY_FAILED', `Cannot read ${resolve(from)}`, {
      evidence: [messageOf(error)],
      cause: error,
    });
  }
}

async function* pathsIn(folder: string): AsyncGenerator<string> {
  for (const name of await readdir(folder)) {
    yield name;
    const path = join(folder, name);
    if ((await stat(path)).isDirectory()) for await (const inner of pathsIn(path)) yield `${name}/${inner}`;
  }
}

async function upload(api: Api, where: Where, { folder, names, file }: Entries, to: string): Promise<void> {
  const target = to.slice(1);
  const map = (header: TarHeader): TarHeader => {
    const name = file === undefined ? posix.join(target, header.name) : target;
    return Object.assign(header, { name, uid: 0, gid: 0 });
  };
  // a stream of its own make, which a pipeline of Node's takes only by this
  const input = Readable.from(tar().pack(folder, { entries: names, dereference: true, map }), {
    objectMode: false,
  });
  await ranTar(api, where, ['-xof', '-', '-C', '/'], {
    doing: `copy ${join(folder, file ?? '')} to ${to}`,
    input,
    stdout: new Collected(),
  });
}

/** What is longer, or not ASCII, is written in an extension of the format, which BusyBox ignores. */
function requirePlain(path: string): void {
  const name = path.slice(1);
  const splits = name.length <= 100 || (name.length <= 255 && name.slice(-101).includes('/'));

  if (splits && /^[\x01-\x7f]*$/.test(name)) return;
  throw new JestKubernetesError('COPY_FAILED', `The path ${path} cannot be told to every tar`, {
    evidence: ['cp() copies to paths in ASCII, of at most 255 characters, a name of at most 100'],
  });
}

async function download(api: Api, where: Where, path: string, to: string): Promise<void> {
  const from = posix.normalize(path).replace(/\/$/, '');
  const [folder, name] = [posix.dirname(from), posix.basename(from)];
  const renamed = (entry: string): string => basename(to) + posix.normalize(entry).slice(name.length);
  const map = (header: TarHeader): TarHeader =>
    Object.assign(header, {
      name: renamed(header.name),
      ...(header.type === 'link' && { linkname: renamed(header.linkname ?? '') }),
    });
  await mkdir(dirname(to), { recursive: true });
  const extract = tar().extract(dirname(to), { chown: false, map });
  const stdout = new PassThrough();
  const unpacked = new Promise<void>((done, failed) => {
    extract.on('finish', done).on('error', failed);
  });
  unpacked.catch((error: unknown) => stdout.destroy(error as Error));
  stdout.pipe(extract);
  try {
    await ranTar(api, where, ['-chf', '-', '-C', folder, `./${name}`], {
      doing: `copy ${path} to ${to}`,
      stdout,
    });
    await unpacked;
  } catch (error) {
    extract.destroy();
    throw error;
  }
}

interface Streams {
  /** For a reader. */
  doing: string;
  input?: Readable;
  stdout: Writable;
}

async function ranTar(
  api: Api,
  { place, signal }: Where,
  args: readonly string[],
  { doing, ...streams }: Streams,
): Promise<void> {
  const stderr = new Collected();
  const failed = (
    evidence: readonly string[],
    more: { remedy?: string; cause?: unknown } = {},
  ): JestKubernetesError => {
    const what = `Cannot ${doing} in ${describeContainer(place)}`;
    return new JestKubernetesError('COPY_FAILED', what, { evidence, ...more });
  };
  using given = streams.input && new GivenInput(streams.input, () => stderr.text !== '');
  let exitCode: number;
  try {
    ({ exitCode } = await ranIn(api, place, {
      ...{ command: ['tar', ...args], ...streams, stderr },
      ...(given && { input: given.stream }),
      signal: given ? AbortSignal.any([signal, given.isStuck]) : signal,
    }));
  } catch (error) {
    signal.throwIfAborted();
    if (given?.isStuck.aborted === true) throw failed(lastLines(stderr.text), { cause: error });
    if (error instanceof JestKubernetesError && error.code === 'EXEC_FAILED')
      throw failed([error.message, ...error.evidence], {
        remedy: 'cp() needs tar in the image. A small text can be written by exec(), with stdin.',
        cause: error,
      });
    throw error instanceof JestKubernetesError ? error : failed([messageOf(error)], { cause: error });
  }
  if (exitCode !== 0) throw failed(lastLines(stderr.text || `tar ended with exit code ${exitCode}`));
}
