import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { silent } from '../../../src/report/index.js';
import { findTool, lookForTool } from '../../../src/tools/index.js';
import { helmRelease, kubectlRelease } from '../../../src/tools/release.js';

const { signal } = new AbortController();
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const program = '#!/bin/sh\necho here\n';

let folder: string;
let server: http.Server | undefined;
let asked: string[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'find-tool-'));
  asked = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
  if (server !== undefined) await once(server, 'close');
  server = undefined;
  rmSync(folder, { recursive: true });
});

/** As a folder of releases that has this at each path. */
async function releases(content: Buffer): Promise<string> {
  server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const pin = (release: typeof helmRelease, content: Buffer): unknown =>
  jest.replaceProperty(release, 'checksums', {
    [platform]: createHash('sha256').update(content).digest('hex'),
  });

/** As helm is released: a `.tar.gz` with the program in a folder that is called as the platform. */
function archive(content: string): Buffer {
  mkdirSync(path.join(folder, 'made', platform), { recursive: true });
  writeFileSync(path.join(folder, 'made', platform, 'helm'), content);
  chmodSync(path.join(folder, 'made', platform, 'helm'), 0o755);
  writeFileSync(path.join(folder, 'made', platform, 'LICENSE'), 'words');
  return execFileSync('tar', ['-czf', '-', '-C', path.join(folder, 'made'), platform]);
}

const cacheDir = (): string => path.join(folder, 'cache');
const find = (name: 'kubectl' | 'helm', env: NodeJS.ProcessEnv): Promise<string> =>
  findTool(name, {
    env: { PATH: path.join(folder, 'bin'), ...env },
    cacheDir: cacheDir(),
    signal,
    progress: silent,
  });

test.each(['kubectl', 'helm'] as const)('the %s on PATH is used', async (name) => {
  mkdirSync(path.join(folder, 'bin'));
  const file = path.join(folder, 'bin', name);
  writeFileSync(file, program);
  chmodSync(file, 0o755);
  expect(await find(name, {})).toBe(file);
});

test('without a kubectl, the pinned release is downloaded, checked, and kept', async () => {
  pin(kubectlRelease, Buffer.from(program));
  const env = { JEST_KUBERNETES_KUBECTL_BASE_URL: await releases(Buffer.from(program)) };
  const command = await find('kubectl', env);
  expect(execFileSync(command, { encoding: 'utf8' })).toBe('here\n');
  expect(await find('kubectl', env)).toBe(command);
  expect(asked).toEqual([`/v${kubectlRelease.version}/bin/${platform.replace('-', '/')}/kubectl`]);
});

test('looking for one tells where it would come from, and downloads nothing', async () => {
  pin(kubectlRelease, Buffer.from(program));
  const env = {
    PATH: path.join(folder, 'bin'),
    JEST_KUBERNETES_KUBECTL_BASE_URL: await releases(Buffer.from(program)),
  };
  const options = { cacheDir: cacheDir(), signal };
  const look = (): Promise<string> => lookForTool('kubectl', { ...options, env });
  expect(await look()).toMatch(/^kubectl [\d.]+, to be downloaded from http:.*, which answers$/);
  expect(existsSync(cacheDir())).toBe(false);
  const command = await find('kubectl', env);
  expect(await look()).toBe(`kubectl ${kubectlRelease.version} at ${command}`);
  await expect(
    lookForTool('helm', { ...options, env: { JEST_KUBERNETES_HELM_BASE_URL: 'http://127.0.0.1:9' } }),
  ).rejects.toMatchObject({ code: 'TOOL_MISSING' });
});

test('whoever ends the looking while a server is silent ends it, and is not told that nothing is there', async () => {
  server = http.createServer(() => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const env = { JEST_KUBERNETES_HELM_BASE_URL: `http://127.0.0.1:${port}` };
  const given = new AbortController();
  const looked = lookForTool('helm', { env, cacheDir: cacheDir(), signal: given.signal });
  await once(server, 'connection');
  given.abort(new Error('Ctrl-C'));
  await expect(looked).rejects.toThrow('Ctrl-C');
});

test('without a helm, it is taken out of the pinned archive, and anew where it was damaged', async () => {
  const content = archive(program);
  pin(helmRelease, content);
  const env = { JEST_KUBERNETES_HELM_BASE_URL: await releases(content) };
  const [command, again] = await Promise.all([find('helm', env), find('helm', env)]);
  expect(execFileSync(command, { encoding: 'utf8' })).toBe('here\n');
  expect(again).toBe(command);
  expect(readdirSync(cacheDir()).sort()).toEqual([
    path.basename(command),
    `${path.basename(command)}.sha256`,
  ]);
  const times = asked.length;
  await find('helm', env);
  expect(asked).toHaveLength(times);
  writeFileSync(command, 'half');
  await find('helm', env);
  expect(readFileSync(command, 'utf8')).toBe(program);
  expect(new Set(asked)).toEqual(new Set([`/helm-v${helmRelease.version}-${platform}.tar.gz`]));
});

test.each([
  ['kubectl', kubectlRelease],
  ['helm', helmRelease],
] as const)('a %s that is not the one released is not kept, nor run', async (name, release) => {
  const env = { [release.variable]: await releases(Buffer.from('<html>please log in</html>')) };
  await expect(find(name, env)).rejects.toMatchObject({
    code: 'TOOL_CHECKSUM',
    evidence: expect.arrayContaining([expect.stringContaining('26 bytes')]) as string[],
  });
  expect(readdirSync(cacheDir())).toEqual([]);
});

test.each([
  ['kubectl', kubectlRelease],
  ['helm', helmRelease],
] as const)('no %s and no network: the address tried, the cause, and the way out', async (name, release) => {
  await expect(find(name, { [release.variable]: 'http://127.0.0.1:9' })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    evidence: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/.*: /)],
    remedy: expect.stringContaining(release.variable) as string,
  });
});

test.each([kubectlRelease, helmRelease])(
  '$name is known for each platform that is supported',
  ({ checksums }) => {
    expect(Object.keys(checksums).sort()).toEqual([
      'darwin-amd64',
      'darwin-arm64',
      'linux-amd64',
      'linux-arm64',
    ]);
  },
);
