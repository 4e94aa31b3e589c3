import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { kubernetesClient } from '../support/native.js';
import type { ClusterAccess } from './access.js';
import { type Api, openApi } from './client.js';
import type { WebSocketLike } from './exec.js';

export interface ServicePort {
  access: ClusterAccess;
  namespace: string;
  service: string;
  /** The service's port. */
  port: number;
  /** The port to listen on; 0, the default, is any free one. */
  localPort?: number;
  signal?: AbortSignal;
}

export interface PortForward {
  /** On 127.0.0.1. */
  port: number;
  close(): Promise<void>;
}

/** How long a connection waits for a pod that is ready, in milliseconds: a restart should be shorter. */
const podLimit = 30_000;

/**
 * Forwards a port of 127.0.0.1 to a service. Each connection finds the pod that is ready then, so that it
 * outlives its pods: after a restart, new connections reach the new pod.
 */
export async function forwardPort(options: ServicePort): Promise<PortForward> {
  const { access, namespace, service, port, localPort = 0, signal } = options;
  const api = openApi(access);
  const target = await serviceTarget(api, namespace, service, port, signal);
  const sockets = new Set<Socket>();
  const closed = new AbortController();

  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    const gone = new AbortController();
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      gone.abort();
    });
    const patience = AbortSignal.timeout(podLimit);
    pipeToPod(api, namespace, target, socket, AbortSignal.any([gone.signal, closed.signal, patience])).catch(
      () => socket.destroy(),
    );
  });
  server.listen(localPort, '127.0.0.1');
  await once(server, 'listening', signal ? { signal } : {});
  // it serves as long as its process has something else to do
  server.unref();

  const close = async (): Promise<void> => {
    closed.abort();
    for (const socket of sockets) socket.destroy();
    api[Symbol.dispose]();
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  };
  signal?.addEventListener('abort', () => void close(), { once: true });
  return { port: (server.address() as AddressInfo).port, close };
}

interface Target {
  selector: string;
  port: number | string;
}

async function serviceTarget(
  api: Api,
  namespace: string,
  service: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<Target> {
  const { spec } = await api.request<{
    spec: { selector?: Record<string, string>; ports: { port: number; targetPort?: number | string }[] };
  }>(`/api/v1/namespaces/${namespace}/services/${service}`, { signal });
  const found = spec.ports.find((candidate) => candidate.port === port);
  if (found === undefined || spec.selector === undefined) {
    throw new Error(`Service ${namespace}/${service} has no pods, or no port ${port}`);
  }
  const selector = Object.entries(spec.selector).map(([key, value]) => `${key}=${value}`);
  return { selector: selector.join(','), port: found.targetPort ?? port };
}

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { containers: { ports?: { name?: string; containerPort: number }[] }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

async function pipeToPod(
  api: Api,
  namespace: string,
  target: Target,
  socket: Socket,
  waiting: AbortSignal,
): Promise<void> {
  const forward = new (kubernetesClient().PortForward)(api.kubeConfig());
  for (;;) {
    waiting.throwIfAborted();
    const pod = await readyPod(api, namespace, target.selector, waiting).catch(() => undefined);
    const port = pod === undefined ? undefined : containerPort(pod, target.port);
    if (pod !== undefined && port !== undefined) {
      const opened: unknown = await forward
        .portForward(namespace, pod.metadata.name, [port], socket, null, socket)
        .catch(() => undefined);
      if (opened !== undefined) {
        const connection = opened as WebSocketLike;
        connection.onclose = () => socket.end();
        connection.onerror = () => socket.destroy();
        socket.on('close', () => {
          connection.close();
        });
        if (socket.destroyed) connection.close();
        socket.resume();
        return;
      }
    }
    await delay(200, undefined, { signal: waiting });
  }
}

async function readyPod(
  api: Api,
  namespace: string,
  selector: string,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await api.request<{ items: Pod[] }>(path, { signal });
  return items.find(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
  );
}

function containerPort({ spec }: Pod, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  return spec.containers.flatMap(({ ports }) => ports ?? []).find(({ name }) => name === port)?.containerPort;
}
