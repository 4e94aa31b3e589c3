import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { messageOf } from '../support/errors.js';
import { Bound } from './bound.js';
import type { Api } from './client.js';
import { listenHere } from './listen-here.js';
import { openPodSocket, type PodSocket } from './pod-socket.js';
import { containerPort, isReady, readPods } from './pods.js';

export interface ForwardedPods {
  namespace: string;
  /** The one pod; else those that `selector` names. */
  pod?: string | undefined;
  /** A label selector. */
  selector?: string | undefined;
  /** The pods' port, or its name. */
  port: number | string;
  /** The port to listen on; 0, the default, is any free one. */
  localPort?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told why a connection was not made, or broke. */
  onTrouble?: (message: string) => void;
}

export interface PortForward {
  /** On 127.0.0.1. */
  port: number;
  readonly close: () => Promise<void>;
}

/** How long a connection waits for a pod that is ready, in milliseconds: a restart should be shorter. */
const podLimit = 30_000;

/** Of the first port that is forwarded: data, and what went wrong. */
const channels = { data: 0, error: 1 } as const;

/**
 * Forwards a port of 127.0.0.1 to pods. Each connection finds the pod that is ready then, so that it outlives its pods:
 * after a restart, new connections reach the new pod. The client's own `Api` is not closed with it.
 * @throws the listening socket's error, such as EADDRINUSE
 */
export async function forwardToPods(api: Api, options: ForwardedPods): Promise<PortForward> {
  const { localPort, signal, onTrouble } = options;
  const closed = new AbortController();

  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const gone = new AbortController();
    socket.on('error', () => undefined);
    socket.on('close', () => {
      gone.abort();
    });
    const ended = AbortSignal.any([gone.signal, closed.signal]);
    pipeToPod(api, options, socket, ended).catch((error: unknown) => {
      if (!ended.aborted) onTrouble?.(messageOf(error));
      socket.destroy();
    });
  });
  const listening = await listenHere(server, { port: localPort, signal });
  const close = async (): Promise<void> => {
    closed.abort();
    await listening.close();
  };
  signal?.addEventListener('abort', () => void close(), { once: true });
  return { port: listening.port, close };
}

async function pipeToPod(api: Api, pods: ForwardedPods, socket: Socket, ended: AbortSignal): Promise<void> {
  const connection = await connected(api, pods, socket, ended);
  ended.addEventListener(
    'abort',
    () => {
      connection.terminate();
    },
    { once: true },
  );
  if (socket.destroyed) return;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }))
    await connection.send(channels.data, chunk as Buffer);
  connection.close();
}

/** Tries pods that are ready until one takes the connection, or patience ends. */
async function connected(
  api: Api,
  { namespace, pod, selector, port, onTrouble }: ForwardedPods,
  socket: Socket,
  ended: AbortSignal,
): Promise<PodSocket> {
  using bound = new Bound(podLimit, ended);
  const { signal: waiting } = bound;
  let trouble = `no pod that is ready and has the port ${port} within ${podLimit / 1000} s`;
  for (;;) {
    if (bound.signal.aborted) throw new Error(trouble);
    try {
      const target = (await readPods(api, { namespace, pod, selector }, waiting)).find(isReady);
      const found = target === undefined ? undefined : containerPort(target, port);
      if (target !== undefined && found !== undefined) {
        const place = { namespace, pod: target.metadata.name, port: found };
        return await openTo(api, place, socket, { signal: waiting, onTrouble });
      }
    } catch (error) {
      if (!waiting.aborted) trouble = messageOf(error);
    }
    ended.throwIfAborted();
    await delay(200, undefined, { signal: waiting }).catch(() => undefined);
    ended.throwIfAborted();
  }
}

async function openTo(
  api: Api,
  { namespace, pod, port }: { namespace: string; pod: string; port: number },
  socket: Socket,
  { signal, onTrouble }: { signal: AbortSignal; onTrouble: ForwardedPods['onTrouble'] },
): Promise<PodSocket> {
  const opened: { connection?: PodSocket } = {};
  // each channel begins with the number of its port
  const begun = new Set<number>();
  const onData = (channel: number, data: Buffer): void => {
    const rest = begun.has(channel) ? data : data.subarray(2);
    begun.add(channel);
    if (rest.length === 0) return;
    if (channel === channels.error) {
      onTrouble?.(rest.toString('utf8').trim());
      socket.destroy();
    } else if (!socket.write(rest)) {
      opened.connection?.pause();
      socket.once('drain', () => opened.connection?.resume());
    }
  };
  const onClose = (): void => {
    socket.end();
  };
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  opened.connection = await openPodSocket(api, path, { onData, onClose, signal, patience: 0 });
  return opened.connection;
}
