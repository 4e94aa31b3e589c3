import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

const config = JSON.stringify({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [digestOf('its content')] },
});
const layer = { digest: digestOf('a layer that never ends'), size: 50_000_000 };
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    digest: digestOf(config),
    size: config.length,
  },
  layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...layer }],
});

/**
 * A registry whose repositories each fail in their own way: `private` wants
 * credentials, `limited` has had enough of us, `stuck` stops in the middle of a
 * layer, and all else does not exist.
 */
export async function faultyRegistry(): Promise<{
  port: number;
  [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const server = createServer((request, response) => {
    const [, , repository] = (request.url ?? '').split('/');
    const fail = (status: number, code: string) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
    if (request.url === '/v2/') response.writeHead(200).end('{}');
    else if (repository === 'private') fail(401, 'UNAUTHORIZED');
    else if (repository === 'limited') fail(429, 'TOOMANYREQUESTS');
    else if (repository !== 'stuck') fail(404, 'NAME_UNKNOWN');
    else if (request.url?.includes('/manifests/')) {
      const type = { 'content-type': 'application/vnd.docker.distribution.manifest.v2+json' };
      response.writeHead(200, {
        ...type,
        'docker-content-digest': digestOf(manifest),
        'content-length': manifest.length,
      });
      response.end(request.method === 'HEAD' ? undefined : manifest);
    } else if (request.url?.endsWith(digestOf(config))) {
      response.writeHead(200, { 'content-length': config.length }).end(config);
    } else {
      response.writeHead(200, { 'content-length': layer.size });
      response.write(Buffer.alloc(8 * 1024 * 1024));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
