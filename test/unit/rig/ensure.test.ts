import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A machine made of fake programs on a PATH of its own; each fake is a shell script. */
class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'rig-machine-'));
  readonly up = join(this.folder, 'up');
  readonly osRelease = join(this.folder, 'os-release');

  constructor() {
    symlinkSync('/bin/sh', join(this.folder, 'sh'));
    symlinkSync(process.execPath, join(this.folder, 'node'));
    this.fake('up', `echo 'installing packages' >&2; echo "$*" >'${this.folder}/installed'`);
    this.fake('id', 'echo 0');
    this.os('debian');
  }

  fake(name: string, script: string): this {
    writeFileSync(join(this.folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(this.folder, name), 0o755);
    return this;
  }

  /** An engine with these registry mirrors; `pull` is what `docker pull` does. */
  engine(mirrors: string[], pull = 'exit 0'): this {
    const info = JSON.stringify({ RegistryConfig: { Mirrors: mirrors } });
    return this.fake('docker', `case "$1" in info) echo '${info}' ;; pull) ${pull} ;; *) exit 9 ;; esac`);
  }

  os(id: string): this {
    writeFileSync(this.osRelease, `PRETTY_NAME="Some ${id}"\nID=${id}\n`);
    return this;
  }

  get installed(): boolean {
    return existsSync(join(this.folder, 'installed'));
  }

  /** With which arguments `up` was called; undefined where it was not. */
  get upWith(): string | undefined {
    return this.installed ? readFileSync(join(this.folder, 'installed'), 'utf8').trim() : undefined;
  }

  /** What `ensure` says (stderr) and returns (as JSON on stdout). */
  ensure(registry = 'http://127.0.0.1:9', environment: Record<string, string> = {}) {
    return this.call('ensure', [], registry, environment);
  }

  /** As `ensure`, for another of its functions, whose options come last. */
  async call(
    name: string,
    args: readonly unknown[],
    registry: string,
    environment: Record<string, string> = {},
  ) {
    const options = { registry, osRelease: this.osRelease, up: this.up, environment };
    const module = resolve(__dirname, '../../rig/ensure.mjs');
    const given = JSON.stringify([...args, options]);
    const script = `import(${JSON.stringify(module)}).then((rig) => rig.${name}(...${given})).then(
      (environment) => console.log(JSON.stringify(environment ?? null)),
      (error) => { console.error(error instanceof Error ? error.message : error); process.exit(1); })`;
    const child = spawn(process.execPath, ['-e', script], { env: { PATH: this.folder } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const status = await new Promise<number | null>((done) => child.on('close', done));
    return { status, said: stderr, environment: status === 0 ? (JSON.parse(stdout) as unknown) : undefined };
  }
}

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});
afterEach(() => {
  rmSync(machine.folder, { recursive: true });
});

const rigEnvironment = { JEST_KUBERNETES_NODE_IMAGE: 'kindest/node:v1.37.2' };

test('nothing is installed where Docker runs and pulls', async () => {
  const { status, said, environment } = await machine.engine([]).ensure();
  expect({ status, said, environment }).toEqual({ status: 0, said: '', environment: {} });
  expect(machine.installed).toBe(false);
});

test('a rate limit of Docker Hub is told, and installs nothing', async () => {
  machine.engine([], 'echo "toomanyrequests: You have reached your pull rate limit" >&2; exit 1');
  const { said, environment } = await machine.ensure();
  expect(environment).toEqual({});
  expect(said).toContain('limits this machine');
  expect(machine.installed).toBe(false);
});

describe('with the registry of the rig', () => {
  let server: Server;
  let lacks: string;
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  beforeEach(async () => {
    lacks = 'nothing';
    server = createServer((request, response) => {
      response.statusCode = request.url?.includes(lacks) ? 404 : 200;
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterEach(() => server.close());

  test('a rig that runs is used as it is, and names its node image', async () => {
    const { said, environment } = await machine.engine([`${address()}/`]).ensure(address());
    expect(environment).toEqual(rigEnvironment);
    expect(said).toBe('');
    expect(machine.installed).toBe(false);
  });

  test('a rig that lacks an image is completed', async () => {
    lacks = 'postgres';
    const { environment } = await machine.engine([`${address()}/`]).ensure(address());
    expect(environment).toEqual(rigEnvironment);
    expect(machine.upWith).toBe('');
  });

  test('a version that is named is not answered with the rig’s node image', async () => {
    machine.engine([address()]);
    const named = { JEST_KUBERNETES_VERSION: '1.36.3' };
    const answer = (environment: Record<string, string>) =>
      machine.call('environmentForTests', [], address(), environment);
    expect((await answer(named)).environment).toEqual(named);
    expect((await answer({})).environment).toEqual(rigEnvironment);
  });

  test('another release that is there is not built', async () => {
    const { status, said } = await machine.call('ensureRelease', ['1.36.3'], address());
    expect({ status, said }).toEqual({ status: 0, said: '' });
    expect(machine.installed).toBe(false);
  });

  test('one that is not there is built beside the rig’s own', async () => {
    lacks = 'kindest/node/manifests/v1.36.3';
    const { status } = await machine.call('ensureRelease', ['1.36.3'], address());
    expect({ status, upWith: machine.upWith }).toEqual({ status: 0, upWith: '1.36.3' });
  });

  test('or the command for it is told, to one who may not become root', async () => {
    lacks = 'kindest/node/manifests/v1.36.3';
    machine.fake('id', 'echo 1000').fake('sudo', 'echo "a password is required" >&2; exit 1');
    const { status, said } = await machine.call('ensureRelease', ['1.36.3'], address());
    expect(status).toBe(1);
    expect(said).toContain(`sudo ${machine.up} 1.36.3`);
  });
});

test.each([
  ['there is no docker command', (debian: Machine) => debian, 'there is no docker command'],
  [
    'no engine answers',
    (debian: Machine) => debian.fake('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1'),
    'Cannot connect to the Docker daemon',
  ],
  [
    'an engine of the older kind, whose docker info exits 0, does not answer',
    (debian: Machine) => debian.fake('docker', `echo '{"ServerErrors":["Cannot connect to the daemon"]}'`),
    'Cannot connect to the daemon',
  ],
  [
    'Docker Hub cannot be reached',
    (debian: Machine) => debian.engine([], 'echo "lookup registry-1.docker.io: no such host" >&2; exit 1'),
    'no such host',
  ],
])('root on Debian gets the rig when %s, and is told before', async (_story, prepare, reason) => {
  const { status, said, environment } = await prepare(machine).ensure();
  expect(status).toBe(0);
  expect(environment).toEqual(rigEnvironment);
  expect(said).toContain(reason);
  expect(said.indexOf(reason)).toBeLessThan(said.indexOf('installing packages'));
});

test('sudo without a password is as good as root', async () => {
  machine.fake('id', 'echo 1000').fake('sudo', 'shift; case "$1" in true) ;; *) "$@" ;; esac');
  const { environment } = await machine.ensure();
  expect(environment).toEqual(rigEnvironment);
  expect(machine.installed).toBe(true);
});

test('a user of Debian who may not become root is told the command', async () => {
  machine.fake('id', 'echo 1000').fake('sudo', 'echo "a password is required" >&2; exit 1');
  const { status, said } = await machine.ensure();
  expect(status).toBe(1);
  expect(said).toContain(`sudo ${machine.up}`);
});

test.each([
  ['another system has no rig', (other: Machine) => other.os('ubuntu'), {}, 'https://docs.docker.com'],
  [
    'an engine that this user may not talk to is not replaced',
    (other: Machine) => other.fake('docker', 'echo "permission denied while trying to connect" >&2; exit 1'),
    {},
    'the group docker',
  ],
  [
    'an engine named by DOCKER_HOST is not replaced',
    (other: Machine) => other,
    { DOCKER_HOST: 'tcp://elsewhere:2375' },
    'DOCKER_HOST is tcp://elsewhere:2375',
  ],
])('%s: what is missing is said, and nothing installed', async (_story, prepare, environment, remedy) => {
  const { status, said } = await prepare(machine).ensure(undefined, environment);
  expect(status).toBe(1);
  expect(said).toContain(remedy);
  expect(machine.installed).toBe(false);
});

test('a rig that could not be set up ends it', async () => {
  machine.fake('up', 'echo "error: apt-get could not install docker.io" >&2; exit 1');
  const { status, said } = await machine.ensure();
  expect(status).toBe(1);
  expect(said).toContain('The rig could not be set up');
});
