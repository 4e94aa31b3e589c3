import { PassThrough, Writable } from 'node:stream';

import type { V1Status } from '@kubernetes/client-node';

import type { Api } from './api.js';
import { kubernetesClient } from './native.js';

/** What is used of the client library's web sockets, whose own types need a package of their own. */
export interface WebSocketLike {
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  close(): void;
}

export interface PodCommand {
  namespace: string;
  pod: string;
  container: string;
  command: readonly string[];
  /** Sent whole; the command must know by itself where it ends, as older API servers cannot close it. */
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

/** Runs a command in a container. */
export async function execInPod(api: Api, options: PodCommand): Promise<CommandResult> {
  const { namespace, pod, container, command, input, onLine, signal } = options;
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
  const stdin = input === undefined ? null : new PassThrough();
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status>();
  signal.throwIfAborted();
  const socket = (await new (kubernetesClient().Exec)(api.config).exec(
    namespace,
    pod,
    container,
    [...command],
    output(),
    output(),
    stdin,
    false,
    resolve,
  )) as unknown as WebSocketLike;
  const onAbort = (): void => {
    reject(signal.reason as Error);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  socket.onclose = () => {
    reject(new Error(`the connection to ${namespace}/${pod} was closed while it ran ${command.join(' ')}`));
  };
  try {
    for (let start = 0; input !== undefined && start < input.length; start += 65_536) {
      stdin?.write(input.subarray(start, start + 65_536));
    }
    const status = await ended;
    const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
    const exitCode = status.status === 'Success' ? 0 : Number(code ?? 1);
    const text = Buffer.concat(chunks).toString('utf8');
    return { exitCode, output: exitCode !== 0 && text === '' ? (status.message ?? '') : text };
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.close();
  }
}
