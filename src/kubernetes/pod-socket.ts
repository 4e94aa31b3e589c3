import { setTimeout as delay } from 'node:timers/promises';

import { orAborted } from '../support/abort.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { messageOf } from '../support/errors.js';
import { kubernetesClient } from '../support/native.js';
import { ApiError } from './api-error.js';
import type { Api } from './client.js';

/** What is used of the client library's web sockets, whose own types need a package of their own. */
interface WebSocketLike {
  readonly protocol: string;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  send(data: Buffer, sent: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

/** A connection into a pod, by which the API server carries several streams at once: `exec`, `portforward`. */
export interface PodSocket {
  /** Whether the other side is told by {@link endChannel} (Kubernetes 1.30 and newer). */
  readonly canEndChannels: boolean;
  /** Resolves once it is on its way: who waits for it is never ahead of the other side. */
  send(channel: number, data: Buffer): Promise<void>;
  /** Nothing more comes on that channel. */
  endChannel(channel: number): Promise<void>;
  /** Lets the other side wait. */
  pause(): void;
  resume(): void;
  /** What has been sent still arrives. */
  close(): void;
  /** At once, whatever is on its way. */
  terminate(): void;
}

export interface PodSocketOptions {
  onData: (channel: number, data: Buffer) => void;
  onClose: () => void;
  signal: AbortSignal;
  /** How long a kubelet may take to know a new container, or to be back after a restart, in milliseconds. Default: 30 s. */
  patience?: number | undefined;
}

/** The API server, or the kubelet behind it, did not let a connection into a pod be made. */
export class ExecRefused extends Error {
  override readonly name = 'ExecRefused';
}

const usualPatience = 30_000;
const openInterval = 250;
/** Also 404 and 400: a kubelet that starts does not know its pods yet, a new pod has no host. */
const forNow = /server response: (?:40[04]|5\d\d)|ECONNREFUSED|ECONNRESET|socket hang up/;
/** The channel by which the end of another is told. */
const endings = 255;

/**
 * Connects to a subresource of a pod, such as `/api/v1/namespaces/shop/pods/web/exec?…`.
 * @throws ExecRefused at once if the API server refuses it, after `patience` if it finds no kubelet, pod or container
 *   that would
 */
export async function openPodSocket(api: Api, path: string, options: PodSocketOptions): Promise<PodSocket> {
  const { onData, onClose, signal, patience = usualPatience } = options;
  const { handler } = new (kubernetesClient().Exec)(api.kubeConfig());
  const take = (channel: number, data: Buffer): boolean => {
    onData(channel, data);
    return true;
  };
  const socket = await opened(api, path, { signal, patience }, () => handler.connect(path, null, take));
  socket.onclose = onClose;
  // it is closed then, too
  socket.onerror = () => undefined;
  const send = (...bytes: readonly Buffer[]): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(Buffer.concat(bytes), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  return {
    canEndChannels: socket.protocol === 'v5.channel.k8s.io',
    send: (channel, data) => send(Buffer.of(channel), data),
    endChannel: (channel) => send(Buffer.of(endings, channel)),
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    close: () => {
      socket.close();
    },
    terminate: () => {
      socket.terminate();
    },
  };
}

/** Nothing has been done where no connection could be made, so that it may be tried again. */
async function opened(
  api: Api,
  path: string,
  { signal, patience }: { signal: AbortSignal; patience: number },
  open: () => Promise<unknown>,
): Promise<WebSocketLike> {
  signal.throwIfAborted();
  using waited = new AwakeTimer(Infinity);
  for (;;) {
    try {
      return await orTerminated(open() as Promise<WebSocketLike>, signal);
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      if (!forNow.test(message) || waited.passed >= patience)
        throw new ExecRefused((await reasonOf(api, path, message, signal)) ?? message, { cause: error });
    }
    await orAborted(delay(openInterval), signal);
  }
}

/** One that is there too late is nobody's. */
async function orTerminated(opening: Promise<WebSocketLike>, signal: AbortSignal): Promise<WebSocketLike> {
  try {
    return await orAborted(opening, signal);
  } catch (error) {
    opening.then(
      (socket) => {
        socket.terminate();
      },
      () => undefined,
    );
    throw error;
  }
}

/** A web socket that is refused tells no more than the status; asked without one, the server says why. */
async function reasonOf(
  api: Api,
  path: string,
  message: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const status = Number(/server response: (\d+)/.exec(message)?.[1]);
  const answer: unknown = await api
    .text(path, { signal, limit: 5000, retry: false })
    .catch((error: unknown) => error);
  return answer instanceof ApiError && answer.status === status ? answer.message : undefined;
}
