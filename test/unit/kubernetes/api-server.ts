import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

import type { ClusterAccess } from '../../../src/kubernetes/index.js';

export const certificate = (file: string): string => join(__dirname, 'certificates', file);
const data = (file: string): string => readFileSync(certificate(file)).toString('base64');

export const authority = { 'certificate-authority-data': data('authority.crt') };
export const tester = {
  'client-certificate-data': data('tester.crt'),
  'client-key-data': data('tester.key'),
};

/** One request, as it came. */
export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** The name in the client's certificate; undefined where it has none. */
  certificate: string | string[] | undefined;
  /** When its answer began, in milliseconds. */
  at: number;
}

export type Answer = (response: ServerResponse, asked: Asked) => unknown;

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

export const refusal = (code: number, more: object = {}, headers?: Record<string, string>): Answer =>
  json({ kind: 'Status', status: 'Failure', code, message: `refused with ${code}`, ...more }, code, headers);

/** Hangs up without an answer. */
export const hangUp: Answer = (response) => response.socket?.destroy();

/** A server on loopback that answers each request with the next of these, and with the last one for good. */
export interface FakeServer extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly asked: Asked[];
  /** How many connections there have been, and how many are open. */
  readonly connections: { made: number; open: number };
  /** Writes a kubeconfig with this cluster and user, and returns where. */
  access(user?: object, cluster?: object, namespace?: string): ClusterAccess;
}

export async function fakeServer(
  answers: readonly Answer[],
  { secure = true }: { secure?: boolean } = {},
): Promise<FakeServer> {
  const folder = mkdtempSync(join(tmpdir(), 'api-server-'));
  const asked: Asked[] = [];
  const connections = { made: 0, open: 0 };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { socket } = request;
      const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
      const { method = '', url = '', headers } = request;
      const each = { method, url, headers, body, certificate: peer?.CN };
      asked.push({ ...each, at: performance.now() });
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      void answer?.(response, asked.at(-1) as Asked);
    });
  };
  const tls = {
    ...{ key: readFileSync(certificate('server.key')), cert: readFileSync(certificate('server.crt')) },
    ...{ ca: readFileSync(certificate('authority.crt')), requestCert: true, rejectUnauthorized: false },
  };
  const server: Server = secure ? createHttpsServer(tls, listener) : createHttpServer(listener);
  server.on('connection', (socket: Socket) => {
    connections.made += 1;
    connections.open += 1;
    socket.on('close', () => (connections.open -= 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    ...{ port, folder, asked, connections },
    access(user = tester, cluster = secure ? authority : {}, namespace?: string) {
      const kubeconfig = join(folder, 'kubeconfig');
      const here = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
      writeKubeconfig(kubeconfig, user, { server: here, ...cluster }, namespace);
      return { name: 'here', kubeconfig, context: 'here' };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

export function writeKubeconfig(file: string, user: object, cluster: object, namespace?: string): void {
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'here', context: { cluster: 'cluster', user: 'me', namespace } }],
  };
  writeFileSync(file, JSON.stringify(config));
}
