import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import * as addresses from '../../../src/runtime/docker-addresses.js';
import { detectRuntime, engineOf, type EngineRecord, recordOf } from '../../../src/runtime/index.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

let folder: string;
let bin: string;
const servers: net.Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'runtime-'));
  bin = path.join(folder, 'bin');
  mkdirSync(bin);
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const server of servers.splice(0)) {
    (server as Partial<http.Server>).closeAllConnections?.();
    server.close();
    await once(server, 'close');
  }
  rmSync(folder, { recursive: true });
});

function program(name: string, script = ''): void {
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, name), 0o755);
}

async function listen(server: net.Server, name = `${servers.length}.sock`): Promise<string> {
  servers.push(server);
  const socket = path.join(folder, name);
  server.listen(socket);
  await once(server, 'listening');
  return `unix://${socket}`;
}

/** An engine as its API tells of itself. */
function engineServer(components: { Name: string }[] = [], info: object = {}): http.Server {
  const answers: Record<string, object> = {
    '/version': { Version: '28.1.0', Os: 'linux', Arch: 'arm64', Components: components },
    '/info': { ID: 'its-own-id', NCPU: 4, MemTotal: 8e9, CgroupVersion: '2', ...info },
  };
  return http.createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ''])));
}

const engine = (components?: { Name: string }[]): Promise<string> => listen(engineServer(components));

/** Accepts, reads, and never answers. */
function silentServer(): net.Server {
  return net.createServer((socket) => socket.resume());
}

async function failure(
  env: NodeJS.ProcessEnv,
  preferred?: 'docker' | 'podman',
): Promise<JestKubernetesError> {
  const error: unknown = await detectRuntime({ env: { PATH: bin, HOME: folder, ...env }, preferred }).catch(
    (reason: unknown) => reason,
  );
  if (error instanceof JestKubernetesError) return error;
  throw new Error('a runtime was found', { cause: error });
}

test('an engine that answers is described, and its client told where it is', async () => {
  program('docker');
  const host = await engine();
  mkdirSync(path.join(folder, '.docker'));
  writeFileSync(path.join(folder, '.testcontainers.properties'), `docker.host=${host}`);
  await expect(detectRuntime({ env: { PATH: bin, HOME: folder } })).resolves.toEqual({
    name: 'docker',
    command: path.join(bin, 'docker'),
    env: {
      KIND_EXPERIMENTAL_PROVIDER: 'docker',
      DOCKER_HOST: host,
      DOCKER_CONTEXT: undefined,
      DOCKER_TLS: undefined,
      DOCKER_TLS_VERIFY: undefined,
      DOCKER_CERT_PATH: undefined,
    },
    id: 'its-own-id',
    host: '127.0.0.1',
    version: '28.1.0',
    platform: 'linux/arm64',
    cpus: 4,
    memoryBytes: 8e9,
    cgroupVersion: 2,
    keepsLayersPacked: false,
  });
});

test.each([
  ['overlay2', [['Backing Filesystem', 'extfs']], false],
  ['a containerd', [['driver-type', 'io.containerd.snapshotter.v1']], true],
  ['what it does not say', null, false],
])('an engine that keeps its images in %s', async (_, DriverStatus, keepsLayersPacked) => {
  program('docker');
  const DOCKER_HOST = await listen(engineServer([], { DriverStatus }));
  const found = await detectRuntime({ env: { PATH: bin, HOME: folder, DOCKER_HOST } });
  expect(found).toMatchObject({ keepsLayersPacked });
});

test('a client is told which engine, whatever its shell names by then', async () => {
  program('docker', 'echo "$DOCKER_HOST|$DOCKER_CONTEXT|$DOCKER_TLS_VERIFY|$KIND_EXPERIMENTAL_PROVIDER"');
  const host = await engine();
  const env = { PATH: bin, HOME: folder };
  const runtime = await detectRuntime({ env: { ...env, DOCKER_HOST: host } });
  const later = {
    ...{ ...env, DOCKER_HOST: 'tcp://elsewhere:2375', DOCKER_CONTEXT: 'elsewhere', DOCKER_TLS_VERIFY: '1' },
    KIND_EXPERIMENTAL_PROVIDER: 'podman',
  };
  const record = JSON.parse(JSON.stringify(recordOf(runtime))) as EngineRecord;
  for (const known of [runtime, engineOf(record)]) {
    expect(execFileSync(known.command, { env: { ...later, ...known.env }, encoding: 'utf8' })).toBe(
      `${host}|||docker\n`,
    );
    expect(known.id).toBe('its-own-id');
  }
});

test("a socket's path is taken as it stands, as the docker command takes it", async () => {
  program('docker');
  const host = await listen(engineServer(), 'a b é %20#?.sock');
  const runtime = await detectRuntime({ env: { PATH: bin, HOME: folder, DOCKER_HOST: host } });
  expect(runtime.env['DOCKER_HOST']).toBe(`unix://${folder}/a b é %20#?.sock`);
});

test('an engine of another machine publishes its ports there, and one at tcp://localhost here', async () => {
  program('docker');
  const server = engineServer();
  servers.push(server);
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const at = async (host: string): Promise<string> =>
    (await detectRuntime({ env: { PATH: bin, HOME: folder, DOCKER_HOST: `tcp://${host}:${port}` } })).host;
  await expect(at('127.0.0.2')).resolves.toBe('127.0.0.2');
  await expect(at('127.0.0.1')).resolves.toBe('127.0.0.1');
  await expect(at('localhost')).resolves.toBe('127.0.0.1');
});

describe('a docker command that is Podman (podman-docker), whose socket is not there', () => {
  const info = {
    version: { Version: '5.0.0' },
    host: { os: 'linux', arch: 'amd64', cpus: 2, memTotal: 1e9, hostname: 'laptop' },
    store: { graphRoot: '/home/me/containers' },
  };
  beforeEach(() => {
    const none = { source: 'the default socket', certificates: undefined };
    jest
      .spyOn(addresses, 'dockerAddresses')
      .mockImplementation(({ DOCKER_HOST }) => [
        { ...none, host: DOCKER_HOST ?? `unix://${folder}/none.sock`, named: DOCKER_HOST !== undefined },
      ]);
    program('docker', 'echo "Emulate Docker CLI using podman." >&2; echo podman version 5.0.0');
    program('podman', `echo '${JSON.stringify(info)}'`);
  });

  test('is podman', async () => {
    await expect(detectRuntime({ env: { PATH: bin, HOME: folder } })).resolves.toMatchObject({
      name: 'podman',
      command: path.join(bin, 'podman'),
      id: 'laptop:/home/me/containers',
    });
  });

  test('but not where DOCKER_HOST names an engine, which does not answer', async () => {
    const error = await failure({ DOCKER_HOST: `unix://${folder}/dead.sock` });
    expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  });
});

test('nerdctl is known by the id of its containerd, and its address and namespace are told', async () => {
  const info = { ID: 'of-containerd', ServerVersion: '2.0', OSType: 'linux', Architecture: 'aarch64' };
  program('nerdctl', `echo '${JSON.stringify(info)}'`);
  const env = { PATH: bin, HOME: folder, CONTAINERD_NAMESPACE: 'mine' };
  const runtime = await detectRuntime({ env, preferred: 'nerdctl' });
  expect(runtime).toMatchObject({ id: 'of-containerd', platform: 'linux/arm64', host: '127.0.0.1' });
  expect(runtime.keepsLayersPacked).toBe(true);
  expect(runtime.env).toMatchObject({ CONTAINERD_NAMESPACE: 'mine', KIND_EXPERIMENTAL_PROVIDER: 'nerdctl' });
  expect(Object.keys(runtime.env)).toContain('CONTAINERD_ADDRESS');
});

test("podman behind Docker's API is podman, for kind too", async () => {
  const info = {
    version: { Version: '5.0.0' },
    host: { os: 'linux', arch: 'amd64', cpus: 2, memTotal: 1e9, cgroupVersion: 'v1' },
  };
  program('podman', `echo '${JSON.stringify(info)}'`);
  const host = await engine([{ Name: 'Podman Engine' }]);
  await expect(detectRuntime({ env: { PATH: bin, HOME: folder, DOCKER_HOST: host } })).resolves.toMatchObject(
    {
      name: 'podman',
      env: { KIND_EXPERIMENTAL_PROVIDER: 'podman' },
      version: '5.0.0',
      platform: 'linux/amd64',
      cgroupVersion: 1,
    },
  );
});

test('an engine without the docker command: kind needs the command', async () => {
  const error = await failure({ DOCKER_HOST: await engine() });
  expect(error.code).toBe('RUNTIME_CLI_MISSING');
  expect(error.format()).toContain('Docker 28.1.0 itself answers');
});

test('a socket that nobody listens on any more', async () => {
  program('docker');
  const socket = path.join(folder, 'dead.sock');
  // a listener that is killed leaves its socket behind
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', script])).toThrow();
  const error = await failure({ DOCKER_HOST: `unix://${socket}` });
  expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  expect(error.format()).toContain('ECONNREFUSED');
  expect(error.remedy).toContain('DOCKER_HOST');
});

test('a socket that accepts and never answers is given up after five seconds', async () => {
  program('docker');
  const started = Date.now();
  const error = await failure({ DOCKER_HOST: await listen(silentServer()) });
  expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  expect(error.format()).toContain('no answer to GET /version within 5 s');
  expect(Date.now() - started).toBeLessThan(8000);
}, 15_000);

test('a socket that one may not use names itself, and the way into its group', async () => {
  program('docker');
  const host = await engine();
  const socket = host.replace('unix://', '');
  chmodSync(socket, 0o000);
  chmodSync(folder, 0o755);
  // root may use any socket
  const asRoot = process.getuid?.() === 0;
  if (asRoot) process.seteuid?.(65534);
  try {
    const error = await failure({ DOCKER_HOST: host });
    expect(error.code).toBe('RUNTIME_PERMISSION');
    expect(error.message).toContain(socket);
    expect(error.remedy).toContain('usermod -aG docker');
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});

test('an engine that is just starting says so itself', async () => {
  program('docker');
  const starting = http.createServer((_request, response) => {
    response.statusCode = 503;
    response.end('starting');
  });
  const error = await failure({ DOCKER_HOST: await listen(starting) });
  expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  expect(error.evidence.join()).toContain('it answered 503: starting');
});

test.each(['ssh://me@builder', 'npipe:////./pipe/docker_engine'])(
  'an address of a kind that no cluster can be used through is refused in words: %s',
  async (host) => {
    program('docker');
    const error = await failure({ DOCKER_HOST: host });
    expect(error.code).toBe('RUNTIME_UNSUPPORTED');
    expect(error.evidence[0]).toBe(`DOCKER_HOST names ${host}`);
    expect(error.evidence).toHaveLength(2);
    expect(error.remedy).toContain('tcp://');
  },
);

test("podman at another machine's ssh:// is refused too, and its own virtual machine is not", async () => {
  const info = {
    version: { Version: '5.0.0' },
    host: { os: 'linux', arch: 'amd64', cpus: 2, memTotal: 1e9 },
  };
  program('podman', `echo '${JSON.stringify(info)}'`);
  const error = await failure({ CONTAINER_HOST: 'ssh://me@builder/run/podman.sock' }, 'podman');
  expect(error.code).toBe('RUNTIME_UNSUPPORTED');
  const env = { PATH: bin, HOME: folder, CONTAINER_HOST: 'ssh://core@127.0.0.1:50000/run/podman.sock' };
  const runtime = await detectRuntime({ env, preferred: 'podman' });
  expect(runtime.host).toBe('127.0.0.1');
  expect(runtime.env['CONTAINER_HOST']).toBe(env.CONTAINER_HOST);
});

test('nothing at all: no command, no socket', async () => {
  // the machine's own default socket would be found
  jest.spyOn(addresses, 'dockerAddresses').mockReturnValue([
    {
      host: `unix://${folder}/none.sock`,
      source: 'the default socket',
      named: false,
      certificates: undefined,
    },
  ]);
  const missing = await failure({});
  expect(missing.code).toBe('RUNTIME_MISSING');
  expect(missing.evidence[0]).toBe('no docker command on PATH');

  program('docker');
  const stopped = await failure({});
  expect(stopped.code).toBe('RUNTIME_NOT_ANSWERING');
  expect(stopped.remedy).toContain('systemctl start docker');
});

test('podman that is asked for and is not there', async () => {
  const error = await failure({}, 'podman');
  expect(error.code).toBe('RUNTIME_MISSING');
  expect(error.message).toContain('podman');
});

test('podman that is there and fails shows its own words', async () => {
  program('podman', 'echo "no machine is running" >&2; exit 125');
  const error = await failure({}, 'podman');
  expect(error.code).toBe('RUNTIME_NOT_ANSWERING');
  expect(error.evidence.join()).toContain('no machine is running');
});

test('an abort ends the question with its reason', async () => {
  program('docker');
  const host = await listen(silentServer());
  const enough = new Error('enough');
  const detected = detectRuntime({
    env: { PATH: bin, DOCKER_HOST: host },
    signal: AbortSignal.abort(enough),
  });
  await expect(detected).rejects.toBe(enough);
});
