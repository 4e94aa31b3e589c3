import { PassThrough, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { V1Status } from '@kubernetes/client-node';

import { orAborted } from '../support/abort.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { messageOf } from '../support/errors.js';
import { kubernetesClient } from '../support/native.js';
import type { Api } from './client.js';

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
  /** Sent whole; the command must know by itself where it ends, as it is not closed. */
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

/** The API server, or the kubelet behind it, did not let a command be run. */
export class ExecRefused extends Error {
  override readonly name = 'ExecRefused';
}

/** How long a kubelet may take to know a new container, or to be back after it was restarted, in milliseconds. */
const openLimit = 30_000;
const openInterval = 250;
/** Also 404 and 400: a kubelet that starts does not know its pods yet, a new pod has no host. */
const forNow = /server response: (?:40[04]|5\d\d)|ECONNREFUSED|ECONNRESET|socket hang up/;

/**
 * Runs a command in a container.
 * @throws ExecRefused where it cannot be started: at once if the API server refuses it, after 30 s if it finds no
 *   kubelet, pod or container that would
 */
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
  const exec = new (kubernetesClient().Exec)(api.kubeConfig());
  const streams = [output(), output(), stdin] as const;
  const socket = await opened(signal, () =>
    exec.exec(namespace, pod, container, [...command], ...streams, false, resolve),
  );
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

/** No command has run where none could be started, so that it may be tried again. */
async function opened(signal: AbortSignal, open: () => Promise<unknown>): Promise<WebSocketLike> {
  using waited = new AwakeTimer(Infinity);
  for (;;) {
    try {
      return (await open()) as WebSocketLike;
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      if (!forNow.test(message) || waited.passed >= openLimit)
        throw new ExecRefused(message, { cause: error });
    }
    await orAborted(delay(openInterval), signal);
  }
}
