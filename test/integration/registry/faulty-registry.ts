import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Fault, refuses } from './faults.js';
import { type Blob, newImage, type StoredImage } from './images.js';
import { Uploads } from './uploads.js';

/** Delivers, from where the client left off if it says so: that is how engines resume a layer. */
function send(request: IncomingMessage, response: ServerResponse, { type, content, digest }: Blob): void {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-type': type,
    'content-length': content.length - from,
    'docker-content-digest': digest,
    ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
  });
  response.end(request.method === 'HEAD' ? undefined : content.subarray(from));
}

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
}

type Part = 'manifests' | 'blobs';

/** A registry over plain HTTP on the loopback, which engines take for insecure by themselves. */
export interface FaultyRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
  /** Every request, in the order they came. */
  seen: readonly Seen[];
  /** Keeps an image under a tag of its own; its reference. */
  keep(repository: string, image?: StoredImage): string;
  /** The next answers to requests for a repository's manifests or blobs; afterwards it delivers. */
  next(repository: string, part: Part, ...faults: Fault[]): void;
  /** What was pushed under `repository:tag`: its manifest, once all of it is there. */
  pushed(name: string): unknown;
  /** Its answer to all of them. */
  always(repository: string, part: Part, fault: Fault): void;
}

export interface Access {
  user: string;
  password: string;
  /** `Basic`, or `Bearer`: tokens from an endpoint of its own, one for strangers too, which lets them see nothing. */
  scheme: 'Basic' | 'Bearer';
}

/** Starts a registry that fails as it is told. With `access` it delivers only to those who log in. */
export async function faultyRegistry(access?: Access): Promise<FaultyRegistry> {
  const images = new Map<string, StoredImage>();
  const faults = new Map<string, Fault[]>();
  const constant = new Map<string, Fault>();
  const seen: Seen[] = [];
  const uploads = new Uploads();
  const token = randomBytes(8).toString('hex');

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry');
    const { pathname } = url;
    const { authorization } = request.headers;
    seen.push({ method: request.method ?? '', path: pathname, authorization });
    if (pathname === '/token') giveToken(request, response);
    else if (!mayPass(authorization, pathname)) challenge(request, response);
    else if (pathname === '/v2/') response.writeHead(200).end('{}');
    else deliver(request, response, url);
  });

  function deliver(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const [, repository = '', part = '', name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? [];
    const image = images.get(repository);
    const blob =
      part === 'manifests'
        ? (image?.manifest ?? uploads.manifest(`${repository}:${name}`))
        : ([image?.config, image?.layer].find((each) => each?.digest === name) ?? uploads.blob(name));
    const key = `${repository} ${part}`;
    // a configuration is a few bytes: what fails is the layer
    const concerned = blob === undefined || blob !== image?.config;
    const fault = concerned ? (faults.get(key)?.shift() ?? constant.get(key)) : undefined;
    if (fault !== undefined) fault(request, response, blob);
    else if (!['GET', 'HEAD'].includes(request.method ?? '')) void uploads.take(request, response, url);
    else if (blob === undefined)
      refuses(404, 'NAME_UNKNOWN', 'repository name not known')(request, response, blob);
    else {
      send(request, response, blob);
    }
  }

  const basic = access && `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;

  function mayPass(authorization: string | undefined, pathname: string): boolean {
    if (access === undefined) return true;
    if (access.scheme === 'Basic') return authorization === basic;
    // a stranger's token opens the door, and nothing behind it
    return (
      authorization === `Bearer ${token}` || (authorization === 'Bearer stranger' && pathname === '/v2/')
    );
  }

  function challenge(request: IncomingMessage, response: ServerResponse): void {
    const known = request.headers.authorization === 'Bearer stranger' ? ',error="insufficient_scope"' : '';
    const scheme =
      access?.scheme === 'Basic'
        ? 'Basic realm="registry"'
        : `Bearer realm="http://${request.headers.host ?? ''}/token",service="registry"${known}`;
    refuses(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': scheme })(
      request,
      response,
      undefined,
    );
  }

  function giveToken(request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== basic) {
      refuses(401, 'UNAUTHORIZED', 'incorrect username or password')(request, response, undefined);
      return;
    }
    const given = authorization === basic ? token : 'stranger';
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token: given }));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    seen,
    keep(repository, image = newImage()) {
      images.set(repository, image);
      return `${host}/${repository}:test`;
    },
    pushed(name) {
      const manifest = uploads.manifest(name);
      return manifest && (JSON.parse(manifest.content.toString('utf8')) as unknown);
    },
    next(repository, part, ...coming) {
      faults.set(`${repository} ${part}`, coming);
    },
    always(repository, part, fault) {
      constant.set(`${repository} ${part}`, fault);
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
