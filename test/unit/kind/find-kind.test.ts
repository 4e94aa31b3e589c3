import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { findKind } from '../../../src/cluster/kind/index.js';
import { kindRelease } from '../../../src/cluster/kind/kind-release.js';
import { silent } from '../../../src/report/progress.js';
import { JestKubernetesError } from '../../../src/support/errors.js';
import { downloadExecutable } from '../../../src/tools/download.js';

const { signal } = new AbortController();
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const binary = '#!/bin/sh\necho kind v0.33.0\n';

let folder: string;
let bin: string;
let cacheDir: string;
let server: http.Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'find-kind-'));
  bin = path.join(folder, 'bin');
  cacheDir = path.join(folder, 'cache');
  mkdirSync(bin);
});
afterEach(async () => {
  jest.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
  if (server !== undefined) await once(server, 'close');
  server = undefined;
  rmSync(folder, { recursive: true });
});

function kindOnPath(script: string): void {
  writeFileSync(path.join(bin, 'kind'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, 'kind'), 0o755);
}

async function serve(answer: http.RequestListener): Promise<string> {
  server = http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function find(base?: string): ReturnType<typeof findKind> {
  const env = { PATH: bin, ...(base === undefined ? {} : { JEST_KUBERNETES_KIND_BASE_URL: base }) };
  return findKind({ env, cacheDir, signal, progress: silent });
}

async function failure(found: Promise<unknown>): Promise<JestKubernetesError> {
  const error: unknown = await found.catch((reason: unknown) => reason);
  if (error instanceof JestKubernetesError) return error;
  throw new Error('no JestKubernetesError', { cause: error });
}

/** The pinned release, for a test, is what the test's server has. */
function pin(content: string): void {
  const sha256 = createHash('sha256').update(content).digest('hex');
  jest.replaceProperty(kindRelease, 'checksums', { [platform]: sha256 });
}

test('the kind on PATH is used', async () => {
  kindOnPath('echo "kind v0.27.0 go1.24.0 linux/amd64"');
  await expect(find()).resolves.toEqual({ command: path.join(bin, 'kind'), version: '0.27.0' });
});

test('an old kind on PATH is refused, with its version, the one needed, and how to get it', async () => {
  kindOnPath('echo "kind v0.9.0 go1.15.2 linux/amd64"');
  const error = await failure(find());
  expect(error.code).toBe('KIND_TOO_OLD');
  expect(error.message).toMatch(/0\.9\.0.*0\.20\.0/);
  expect(error.remedy).toContain('https://kind.sigs.k8s.io');
});

test.each([
  ['that fails', 'echo "cannot execute binary file" >&2; exit 126', 'cannot execute binary file'],
  ['that is something else', 'echo "hello"', 'printed: hello'],
])('a kind on PATH %s is named with what it said', async (_, script, said) => {
  kindOnPath(script);
  const error = await failure(find());
  expect(error.code).toBe('KIND_UNUSABLE');
  expect(error.evidence.join()).toContain(said);
  expect(error.message).toContain(path.join(bin, 'kind'));
});

test('without one, the pinned release is downloaded, through redirects, checked, and kept', async () => {
  pin(binary);
  const requests: string[] = [];
  const base = await serve((request, response) => {
    requests.push(request.url ?? '');
    if (request.url?.startsWith('/v') === true) response.writeHead(302, { location: '/binary' }).end();
    else response.end(binary);
  });
  const moved: string[] = [];
  const progress = { ...silent, moved: (detail?: string) => moved.push(detail ?? '') };
  const env = { PATH: bin, JEST_KUBERNETES_KIND_BASE_URL: base };
  const kind = await findKind({ env, cacheDir, signal, progress });
  expect(readFileSync(kind.command, 'utf8')).toBe(binary);
  expect(kind.version).toBe(kindRelease.version);
  expect(requests).toEqual([`/v${kindRelease.version}/kind-${platform}`, '/binary']);
  expect(moved.length).toBeGreaterThan(0);

  await expect(find(base)).resolves.toEqual(kind);
  expect(requests).toHaveLength(2);
});

test('many at once end with one whole file', async () => {
  pin(binary);
  const base = await serve((_request, response) => response.end(binary));
  const found = await Promise.all(Array.from({ length: 8 }, () => find(base)));
  expect(new Set(found.map(({ command }) => command)).size).toBe(1);
  expect(readdirSync(cacheDir)).toHaveLength(1);
});

test('a cached file that is damaged is downloaded anew', async () => {
  pin(binary);
  const base = await serve((_request, response) => response.end(binary));
  const { command } = await find(base);
  writeFileSync(command, 'half');
  await find(base);
  expect(readFileSync(command, 'utf8')).toBe(binary);
});

test('something else than the release is not kept', async () => {
  pin(binary);
  const base = await serve((_request, response) => response.end('<html>please log in</html>'));
  const error = await failure(find(base));
  expect(error.code).toBe('KIND_CHECKSUM');
  expect(error.evidence.join()).toContain('26 bytes');
  expect(readdirSync(cacheDir)).toEqual([]);
});

test('no kind and no network: the address tried, the cause, and the way out', async () => {
  const error = await failure(find('http://127.0.0.1:9'));
  expect(error.code).toBe('KIND_MISSING');
  expect(error.evidence[0]).toContain(`http://127.0.0.1:9/v${kindRelease.version}/kind-${platform}: `);
  expect(error.remedy).toContain('JEST_KUBERNETES_KIND_BASE_URL');
});

test('a release that is not there is not asked for again', async () => {
  let requests = 0;
  const base = await serve((_request, response) => {
    requests += 1;
    response.writeHead(404).end();
  });
  const error = await failure(find(base));
  expect(error.code).toBe('KIND_MISSING');
  expect(error.evidence[0]).toContain('404');
  expect(requests).toBe(1);
});

test('a server that fails in passing is asked again', async () => {
  pin(binary);
  let requests = 0;
  const base = await serve((_request, response) => {
    requests += 1;
    if (requests === 1) response.writeHead(502).end();
    else response.end(binary);
  });
  await find(base);
  expect(requests).toBe(2);
});

test('a download that stops moving is given up, and leaves nothing', async () => {
  const url = await serve((_request, response) =>
    response.writeHead(200, { 'content-length': 100 }).write('some'),
  );
  const file = path.join(cacheDir, 'kind');
  const download = downloadExecutable({ url, file, sha256: '', signal, progress: silent, stall: 50 });
  await expect(download).rejects.toThrow('not a byte came for 0.05 s');
  expect(readdirSync(cacheDir)).toEqual([]);
});

describe('a proxy that the environment names, as curl takes it', () => {
  const moved = { progress: silent, signal };

  test.each(['http_proxy', 'HTTP_PROXY'])('is asked: %s', async (variable) => {
    pin(binary);
    const asked: string[] = [];
    const proxy = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.end(binary);
    });
    const env = { PATH: bin, JEST_KUBERNETES_KIND_BASE_URL: 'http://releases.invalid', [variable]: proxy };
    const { command } = await findKind({ env, cacheDir, ...moved });
    expect(readFileSync(command, 'utf8')).toBe(binary);
    expect(asked).toEqual([`http://releases.invalid/v${kindRelease.version}/kind-${platform}`]);
  });

  test.each(['no_proxy', 'NO_PROXY'])('but not for a host that needs none: %s', async (variable) => {
    pin(binary);
    const base = await serve((_request, response) => response.end(binary));
    const env = { http_proxy: 'http://127.0.0.1:9', [variable]: '127.0.0.1,example.org' };
    await findKind({
      ...{ env: { PATH: bin, JEST_KUBERNETES_KIND_BASE_URL: base, ...env } },
      ...{ cacheDir, ...moved },
    });
  });

  test.each(['https_proxy', 'HTTPS_PROXY'])(
    'is asked for a tunnel, and named where it fails: %s',
    async (variable) => {
      const tunnels: string[] = [];
      const proxy = await serve(() => undefined);
      server?.on('connect', (request: http.IncomingMessage, socket: Socket) => {
        tunnels.push(request.url ?? '');
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
      const env = { PATH: bin, JEST_KUBERNETES_KIND_BASE_URL: 'https://releases.invalid', [variable]: proxy };
      const error = await failure(findKind({ env, cacheDir, ...moved }));
      expect(new Set(tunnels)).toEqual(new Set(['releases.invalid:443']));
      expect(error.code).toBe('KIND_MISSING');
      expect(error.evidence).toContain(`the environment names a proxy: ${variable}`);
    },
  );

  test('an empty one is none', async () => {
    pin(binary);
    const base = await serve((_request, response) => response.end(binary));
    const env = { PATH: bin, JEST_KUBERNETES_KIND_BASE_URL: base, http_proxy: '', https_proxy: '' };
    await findKind({ env, cacheDir, ...moved });
  });
});

describe('the folder that it is kept in', () => {
  const home = (): string => path.join(folder, 'home');
  const usual = process.platform === 'darwin' ? 'Library/Caches' : '.cache';
  const keptWith = async (env: NodeJS.ProcessEnv): Promise<string> => {
    pin(binary);
    const base = await serve((_request, response) => response.end(binary));
    const all = { PATH: bin, HOME: home(), JEST_KUBERNETES_KIND_BASE_URL: base, ...env };
    return path.dirname((await findKind({ env: all, signal, progress: silent })).command);
  };

  test.each(['', 'cache', './cache'])(
    'is not at an XDG_CACHE_HOME of "%s": empty is unset, and a relative one is not to be used',
    async (XDG_CACHE_HOME) => {
      expect(await keptWith({ XDG_CACHE_HOME })).toBe(path.join(home(), usual, 'jest-kubernetes'));
    },
  );

  test('is at an absolute one', async () => {
    const XDG_CACHE_HOME = path.join(folder, 'xdg');
    expect(await keptWith({ XDG_CACHE_HOME })).toBe(path.join(XDG_CACHE_HOME, 'jest-kubernetes'));
  });
});
