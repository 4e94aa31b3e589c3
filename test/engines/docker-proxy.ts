import { once } from 'node:events';
import net from 'node:net';

/** This machine's Docker at an address of its own. */
export interface DockerProxy extends AsyncDisposable {
  /** As DOCKER_HOST has it. */
  address: string;
  /** Those that were made to it. */
  connections(): number;
}

/** Puts one before Docker's socket, which then is at another host, as GitLab's `docker:dind` is. */
export async function dockerProxy(host: string): Promise<DockerProxy> {
  const socket = (process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock').replace('unix://', '');
  const open = new Set<net.Socket>();
  let connections = 0;
  // an attached client closes its half when it has said all, and is still answered
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    connections += 1;
    const engine = net.connect({ path: socket, allowHalfOpen: true });
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => open.delete(one));
      one.pipe(other);
    }
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    address: `tcp://${host}:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const each of open) each.destroy();
      await once(server, 'close');
    },
  };
}
