import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server of this machine's loopback. */
interface Listening {
  /** On 127.0.0.1. */
  port: number;
  /** Ends its connections too. */
  readonly close: () => Promise<void>;
}

/**
 * Has a server listen on 127.0.0.1, for as long as its process has something else to do.
 * @param options.port - default: any free one
 * @throws the socket's error, such as EADDRINUSE; the signal's reason
 */
export async function listenHere(
  server: Server,
  { port = 0, signal }: { port?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening', signal ? { signal } : {});
  server.unref();
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, close };
}
