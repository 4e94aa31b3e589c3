import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';

import { causeOf } from '../support/errors.js';
import type { ClusterAccess } from './access.js';
import { type Connection, connectionTo } from './connection.js';
import { contextAt } from './kubeconfig.js';
import { listenHere } from './listen-here.js';

export interface ApiProxy {
  /** Without a slash at the end. */
  url: string;
  readonly close: () => Promise<void>;
}

/** What says who asks: that is for the proxy alone to say, as is what concerns one connection only. */
const notPassedOn = [
  ...['authorization', 'host', 'connection', 'keep-alive', 'proxy-authorization', 'te', 'upgrade'],
  'transfer-encoding',
];
const isPassedOn = (header: string): boolean =>
  !notPassedOn.includes(header) && !header.startsWith('impersonate-');

/**
 * Passes on to an API server, as the user of its kubeconfig, what is asked of a port of 127.0.0.1 below a path that
 * nobody can guess. It takes no upgrades: neither web sockets nor SPDY.
 */
export async function serveApi(access: ClusterAccess): Promise<ApiProxy> {
  const connection = connectionTo(contextAt(access));
  const secret = `/${randomBytes(16).toString('hex')}`;
  const server = createServer((request, response) => {
    const { url = '' } = request;
    if (url !== secret && !url.startsWith(`${secret}/`)) {
      response.writeHead(404).end();
      return;
    }
    passOn(connection, request, response, url.slice(secret.length) || '/').catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
      response.end(causeOf(error));
    });
  });
  const { port, close } = await listenHere(server);
  return {
    url: `http://127.0.0.1:${port}${secret}`,
    close: async () => {
      const closing = close();
      connection[Symbol.dispose]();
      await closing;
    },
  };
}

async function passOn(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { server, send } = connection;
  const { headers, ...how } = await connection.options();
  const asked = Object.entries(request.headers).filter(([header]) => isPassedOn(header));
  const passed = send(`${server}${path}`, {
    ...how,
    method: request.method,
    headers: { ...Object.fromEntries(asked), ...(headers as object | undefined) },
  });
  // before the answer begins it is told instead
  passed.on('error', () => response.headersSent && response.destroy());
  response.on('close', () => {
    passed.destroy();
  });
  request.pipe(passed);
  const [answer] = (await once(passed, 'response')) as [IncomingMessage];
  const told = Object.entries(answer.headers).filter(([header]) => isPassedOn(header));
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(told));
  // a watch's head is wanted before its first event
  response.flushHeaders();
  pipeline(answer, response, () => undefined);
}
