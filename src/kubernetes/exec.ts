import { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';

import { pause } from '../support/abort.js';
import { messageOf } from '../support/errors.js';
import type { Api } from './client.js';
import { ExecRefused, openPodSocket, type PodSocket } from './pod-socket.js';

/** Where a command runs. */
interface InContainer {
  namespace: string;
  pod: string;
  container: string;
}

export interface StreamedCommand extends InContainer {
  command: readonly string[];
  /** What it reads: its standard input is closed when that has ended. Default: nothing. */
  input?: Readable | undefined;
  /** For a command that knows by itself where its input ends: a server that cannot close it will do, too. */
  knowsEnd?: boolean;
  /** Both are ended with the command. */
  stdout: Writable;
  stderr: Writable;
  signal: AbortSignal;
  /** As {@link openPodSocket} has it. */
  patience?: number;
}

/** How a command has ended. */
export interface CommandEnd {
  exitCode: number;
  /** Where it could not even be started, the container runtime's words for it. */
  refusal: string | undefined;
}

/** What the API server says of a command's end. */
interface Status {
  status?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string }[] };
}

/** How long a connection that takes no more may still tell of the command's end, in milliseconds. */
const closing = 2000;

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3 } as const;

/**
 * Runs a command in a container; neither side is ever ahead of the other by more than a buffer.
 * @throws ExecRefused where it cannot be started; what the streams throw; the signal's reason
 */
export async function runInPod(api: Api, options: StreamedCommand): Promise<CommandEnd> {
  const { namespace, pod, container, command, input, stdout, stderr, signal, patience } = options;
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' });
  if (input !== undefined) query.set('stdin', 'true');
  for (const word of command) query.append('command', word);
  const { promise: ended, resolve, reject } = Promise.withResolvers<Status>();
  // who waits for it may not have got there when it fails
  ended.catch(() => undefined);

  const outputs = { [channels.stdout]: stdout, [channels.stderr]: stderr } as const;
  let socket: PodSocket | undefined;
  const full = new Set<Writable>();
  const onData = (channel: number, data: Buffer): void => {
    if (channel === channels.status) resolve(JSON.parse(data.toString('utf8')) as Status);
    const output = outputs[channel as 1 | 2] as Writable | undefined;
    if (output === undefined || data.length === 0 || output.write(data)) return;
    full.add(output);
    socket?.pause();
    output.once('drain', () => {
      full.delete(output);
      if (full.size === 0) socket?.resume();
    });
  };
  const onClose = (): void => {
    const unread = input !== undefined && !input.readableEnded;
    const why = unread ? ', which ended, or was ended, before it had read its whole input' : '';
    const what = `${command.join(' ')}${why}`;
    reject(new Error(`the connection to ${namespace}/${pod} was closed without an exit code of ${what}`));
  };
  const onAbort = (): void => {
    reject(signal.reason as Error);
  };
  for (const output of [stdout, stderr]) output.on('error', reject);
  const over = new AbortController();
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query.toString()}`;
    socket = await openPodSocket(api, path, { onData, onClose, signal, patience });
    signal.addEventListener('abort', onAbort, { once: true });
    if (full.size > 0) socket.pause();
    if (input !== undefined) {
      if (!socket.canEndChannels && options.knowsEnd !== true) throw cannotCloseInput();
      pipeline(input, sinkOf(socket), { signal: over.signal }).catch((error: unknown) => {
        if (over.signal.aborted) return;
        if (!(error instanceof NotSent)) reject(error);
        // a command need not read all of it: what became of it comes now, or never
        else pause(closing, over.signal).then(onClose, () => undefined);
      });
    }
    const end = endOf(await ended);
    await Promise.all([stdout, stderr].map(flushed));
    return end;
  } catch (error) {
    for (const output of [stdout, stderr]) output.destroy();
    throw error;
  } finally {
    over.abort();
    signal.removeEventListener('abort', onAbort);
    socket?.terminate();
  }
}

const cannotCloseInput = (): ExecRefused =>
  new ExecRefused('this API server cannot close the standard input of a command; 1.30 and newer can');

/** The other side does not take any more. */
class NotSent extends Error {
  override readonly name = 'NotSent';
}

function sinkOf(socket: PodSocket): Writable {
  const tell = (sending: Promise<void>, done: (error?: Error) => void): void => {
    sending.then(
      () => {
        done();
      },
      (cause: unknown) => {
        done(new NotSent(messageOf(cause), { cause }));
      },
    );
  };
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      tell(socket.send(channels.stdin, chunk), done);
    },
    final: (done) => {
      tell(socket.canEndChannels ? socket.endChannel(channels.stdin) : Promise.resolve(), done);
    },
  });
}

async function flushed(output: Writable): Promise<void> {
  output.end();
  await finished(output, { readable: false });
}

function endOf({ status, message = '', details }: Status): CommandEnd {
  if (status === 'Success') return { exitCode: 0, refusal: undefined };
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  return { exitCode: Number(code ?? 1), refusal: code === undefined ? message : undefined };
}

export interface PodCommand extends InContainer {
  command: readonly string[];
  /** Sent whole; the command knows by itself where it ends. */
  input?: Buffer;
  /** Each line of its output. */
  onLine?: (line: string) => void;
  signal: AbortSignal;
}

export interface CommandResult {
  exitCode: number;
  /** Standard output and error, as they came. */
  output: string;
}

/** How much is sent at once, in bytes. */
const chunkSize = 65_536;

/**
 * Runs a command in a container.
 * @throws ExecRefused where it cannot be started: at once if the API server refuses it, after 30 s if it finds no
 *   kubelet, pod or container that would
 */
export async function execInPod(api: Api, options: PodCommand): Promise<CommandResult> {
  const { input, onLine, ...command } = options;
  const chunks: Buffer[] = [];
  let partial = '';
  const output = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        const lines = (partial + chunk.toString('utf8')).split('\n');
        partial = lines.pop() ?? '';
        for (const line of lines) onLine?.(line);
        done();
      },
    });
  const { exitCode, refusal } = await runInPod(api, {
    ...{ ...command, stdout: output(), stderr: output() },
    ...(input !== undefined && { input: Readable.from(inChunks(input)), knowsEnd: true }),
  });
  return { exitCode, output: Buffer.concat(chunks).toString('utf8') || (refusal ?? '') };
}

export function* inChunks(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += chunkSize)
    yield bytes.subarray(start, start + chunkSize);
}
