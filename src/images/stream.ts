import { type ChildProcess, spawn } from 'node:child_process';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { lastLines } from '../support/lines.js';
import { saysDiskFull, saysNotRunning, saysWrongPlatform } from './failures.js';

/** A machine of the cluster, by its container's name. */
export interface ImportNode {
  name: string;
}

/** An image's archive on its way. */
export interface Archive {
  readonly stream: Readable;
  /** The command that writes it, where one does. */
  readonly saving?: ChildProcess;
  /** How many bytes it will have been, as far as is known now; undefined where nothing is. */
  readonly expected: () => number | undefined;
}

export interface StreamOptions {
  runtime: ContainerRuntime;
  signal: AbortSignal;
  progress: Progress;
}

/**
 * As kind imports it, but for the node's platform alone: an archive may name platforms whose layers it does not hold,
 * which `--all-platforms` refuses. The node says itself which snapshotter its containerd uses. containerd 2 would take
 * the archive through its transfer service, which costs a fifth more processor time (docs/performance.md).
 */
const importScript = `
snapshotter=$(containerd config dump 2>/dev/null | sed -n "s/^ *snapshotter = [\\"']\\(.*\\)[\\"']/\\1/p" | head -n 1)
ctr images import --help | grep -q -e --local && local=--local
exec ctr --namespace=k8s.io images import $local --snapshotter="\${snapshotter:-overlayfs}" -
`;

/**
 * Streams an image's archive into the nodes.
 * @throws JestKubernetesError IMAGE_IMPORT_FAILED, with the last lines of what failed; IMAGE_PLATFORM; DISK_FULL
 */
export async function streamIntoNodes(
  name: string,
  { stream, saving, expected }: Archive,
  nodes: readonly ImportNode[],
  { runtime, signal, progress }: StreamOptions,
): Promise<{ bytes: number }> {
  let bytes = 0;
  const counter = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      if (bytes === 0) progress.waitingFor(`containerd to take ${name} in`);
      bytes += chunk.length;
      progress.moved({ done: bytes, total: expected() });
      done(null, chunk);
    },
    flush(done) {
      progress.moved('unpacking');
      done();
    },
  });
  const imports = nodes.map((node) =>
    spawn(runtime.command, ['exec', '--interactive', node.name, 'sh', '-c', importScript], {
      env: { ...process.env, ...runtime.env },
      stdio: ['pipe', 'ignore', 'pipe'],
    }),
  );
  const children = [...(saving === undefined ? [] : [saving]), ...imports];
  const endings = children.map(ended);
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  // an engine begins to write when it has put all together
  progress.waitingFor(`${runtime.name} to save ${name}`);
  try {
    for (const child of imports) counter.pipe(child.stdin);
    // an importer that has ended tells why by its own status: a broken pipe says nothing
    for (const child of imports) child.stdin.on('error', () => counter.unpipe(child.stdin).resume());
    const flow = pipeline(stream, counter, { signal }).catch((error: unknown) => {
      for (const child of imports) child.stdin.end();
      return messageOf(error);
    });
    const failures = (await Promise.all([...endings, flow])).filter((ending) => ending !== undefined);
    signal.throwIfAborted();
    if (failures.length > 0) throw importFailure(name, failures.join('\n'), { runtime });
    return { bytes };
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** What a command said when it failed; undefined where it ended well. */
function ended(child: ChildProcess): Promise<string | undefined> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      resolve(messageOf(error));
    });
    child.on('close', (status, signal) => {
      resolve(
        status === 0 ? undefined : words || `${child.spawnfile} ended with ${String(signal ?? status)}`,
      );
    });
  });
}

export function importFailure(
  name: string,
  words: string,
  { runtime }: Pick<StreamOptions, 'runtime'>,
): JestKubernetesError {
  const evidence = lastLines(words, 5);
  if (saysDiskFull(words)) {
    return new JestKubernetesError('DISK_FULL', `The disk is full: ${name} could not be stored in the node`, {
      evidence,
      remedy:
        'Make room where the container engine keeps its volumes: docker system df, docker system prune --volumes',
    });
  }
  if (saysWrongPlatform(words)) {
    return new JestKubernetesError('IMAGE_PLATFORM', `${name} is not an image for ${runtime.platform}`, {
      evidence,
      remedy: `Pull or build it for the cluster's nodes, with --platform ${runtime.platform}`,
    });
  }
  const waking = saysNotRunning(words, runtime);
  if (waking !== undefined) {
    return new JestKubernetesError(
      'IMAGE_IMPORT_FAILED',
      `${name} could not be imported: the node’s container does not run`,
      {
        evidence,
        remedy: `See what has become of it (${waking}), or delete the cluster (npx jest-kubernetes down): the next run makes a new one.`,
      },
    );
  }
  return new JestKubernetesError('IMAGE_IMPORT_FAILED', `${name} could not be imported into the node`, {
    evidence,
    remedy: 'Is it a whole image? Pull or build it anew and try again.',
  });
}
