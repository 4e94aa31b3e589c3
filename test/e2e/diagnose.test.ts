import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';

import {
  diagnose,
  type Diagnosis,
  observe,
  type ObserveOptions,
  portIn,
  toError,
  watchForCause,
  writeBundle,
} from '../../src/diagnose/index.js';
import { nodeImageHere } from '../node-image.js';
import { type State, states } from './diagnose-states.js';
import { faultyRegistry } from './faulty-registry.js';

const cluster = 'jkh-diagnose';
const node = `${cluster}-control-plane`;
const image = nodeImageHere ?? 'kindest/node:v1.37.2';
const runtime = {
  name: 'docker' as const,
  command: 'docker',
  env: {},
  version: '',
  platform: 'linux/amd64',
  cpus: 2,
  memoryBytes: 0,
  cgroupVersion: undefined,
  id: undefined,
  host: '127.0.0.1',
};
const engine = { runtime, containers: [node] };

const docker = (...args: string[]) => execa('docker', args);
const inNode = (script: string) => docker('exec', node, 'sh', '-c', script);

let folder: string;
let access: { name: string; kubeconfig: string; context: string };
const kubectl = (args: readonly string[], input?: string) =>
  execa('kubectl', ['--kubeconfig', access.kubeconfig, ...args], input === undefined ? {} : { input });

interface Named {
  diagnosis: Diagnosis;
  seconds: number;
}

/** Looks again and again until a cause is named, and tells how long that took. */
async function named(
  options: ObserveOptions,
  wanted: (found: Diagnosis) => boolean,
  signal: AbortSignal,
): Promise<Named> {
  const start = performance.now();
  let last: Diagnosis | undefined;
  while (!signal.aborted) {
    last = diagnose(await observe(options));
    if (last && wanted(last)) return { diagnosis: last, seconds: (performance.now() - start) / 1000 };
    await sleep(500);
  }
  throw new Error(
    `not named in time; the last cause named was ${last?.cause ?? 'none'}: ${last?.sentence ?? ''}`,
  );
}

/** A line per state, printed at the end. */
const times: string[] = [];
const shown = ({ diagnosis, seconds }: Named) => {
  times.push(`${seconds.toFixed(1).padStart(6)} s  ${diagnosis.cause}: ${diagnosis.sentence}`);
  return toError(diagnosis, { what: 'the pod did not become ready' }).format();
};

/** A machine of Linux on RISC-V, as far as its header goes. */
function foreignProgram(): Buffer {
  const program = Buffer.alloc(120);
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  program.writeUInt16LE(2, 16);
  program.writeUInt16LE(243, 18);
  program.writeUInt32LE(1, 20);
  program.writeBigUInt64LE(64n, 32);
  program.writeUInt16LE(64, 52);
  program.writeUInt16LE(56, 54);
  program.writeUInt16LE(1, 56);
  return program;
}

async function buildForeignImage(): Promise<void> {
  const program = join(folder, 'foreign');
  await writeFile(program, foreignProgram(), { mode: 0o755 });
  const { stdout: container } = await docker('create', 'busybox');
  await docker('cp', program, `${container}:/bin/foreign`);
  await docker('commit', '--change', 'CMD ["/bin/foreign"]', container, 'jkh/foreign:1');
  await docker('rm', container);
}

/** Lets containerd reach a registry of the host without TLS. */
async function trust(registry: string): Promise<void> {
  const toml = `server = "http://${registry}"\n[host."http://${registry}"]\n  capabilities = ["pull", "resolve"]\n`;
  const path = `/etc/containerd/certs.d/${registry}`;
  await execa('docker', ['exec', '-i', node, 'sh', '-c', `mkdir -p ${path} && cat > ${path}/hosts.toml`], {
    input: toml,
  });
}

async function gateway(): Promise<string> {
  const { stdout } = await docker(
    'network',
    'inspect',
    'kind',
    '-f',
    '{{range .IPAM.Config}}{{.Gateway}} {{end}}',
  );
  return stdout.split(' ').find((address) => address.includes('.')) ?? '';
}

/** Makes a state in a namespace of its own, and names its cause as a run would: by a watch beside its wait. */
async function cause(state: State, signal: AbortSignal): Promise<Named> {
  const namespace = state.name;
  const objects = state.objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
  await kubectl(['create', 'namespace', namespace]);
  // no pod is admitted before it
  while ((await kubectl(['-n', namespace, 'get', 'serviceaccounts', '-o', 'name'])).stdout === '')
    await sleep(200);
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const options = { access, scope: { namespaces: [namespace] }, engine };
  if (state.patient) {
    const tells = ({ sentence, evidence }: Diagnosis) =>
      state.tells.every((tell) => tell.test([sentence, ...evidence].join('\n')));
    return named(options, (found) => found.cause === state.cause && tells(found), signal);
  }
  const start = performance.now();
  const diagnosis = await watchForCause({ ...options, signal });
  return { diagnosis, seconds: (performance.now() - start) / 1000 };
}

afterAll(() => {
  process.stdout.write(`\ntime to name each cause:\n${times.join('\n')}\n`);
});

describe('on a real cluster, the cause is named', () => {
  const registryHost = { address: '' };
  let registry: Awaited<ReturnType<typeof faultyRegistry>>;
  const found = new Map<string, Promise<Named>>();
  const giveUp = new AbortController();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jkh-'));
    access = { name: cluster, kubeconfig: join(folder, 'kubeconfig'), context: `kind-${cluster}` };
    registry = await faultyRegistry();
    const images = ['busybox:latest', 'postgres:17-alpine'];
    await Promise.all([
      execa('kind', [
        'create',
        'cluster',
        '--name',
        cluster,
        '--image',
        image,
        '--kubeconfig',
        access.kubeconfig,
      ]),
      Promise.all(images.map((each) => docker('pull', '-q', each))).then(buildForeignImage),
    ]);
    registryHost.address = `${await gateway()}:${String(registry.port)}`;
    await trust(registryHost.address);
    await execa('kind', ['load', 'docker-image', '--name', cluster, 'jkh/foreign:1', ...images]);
    // all at once: each in its namespace, each with a watch of its own
    for (const state of states(registryHost.address)) {
      // a kubelet pulls one image after the other: behind one that is stuck, the others' faults would not show
      const before = state.patient
        ? [...found].filter(([name]) => name.startsWith('image-')).map(([, naming]) => naming)
        : [];
      const naming = Promise.allSettled(before).then(() =>
        cause(state, AbortSignal.any([giveUp.signal, AbortSignal.timeout(100_000)])),
      );
      naming.catch(() => undefined);
      found.set(state.name, naming);
    }
  }, 180_000);

  afterAll(async () => {
    giveUp.abort();
    await docker('unpause', node).catch(() => undefined);
    await execa('kind', ['delete', 'cluster', '--name', cluster, '--kubeconfig', access.kubeconfig]);
    await docker('rmi', 'jkh/foreign:1').catch(() => undefined);
    await registry[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  // the registry's address is not known before the cluster is, and is none of the table's titles
  test.each(states('').map(({ name }, index) => ({ name, index })))(
    '$name',
    async ({ name, index }) => {
      const state = states(registryHost.address)[index];
      const result = await found.get(name);
      const text = result && shown(result);
      expect(result?.diagnosis).toMatchObject({ cause: state?.cause, conclusive: state?.patient !== true });
      for (const tell of state?.tells ?? []) expect(text).toMatch(tell);
    },
    110_000,
  );

  test('a bundle holds what was seen, and no secret', async () => {
    await kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'mail', namespace: 'crash-loop' },
        stringData: { account: 'owl-post-1742' },
      }),
    );
    const result = await found.get('bad-init-script');
    const start = performance.now();
    const path = await writeBundle({
      directory: join(folder, 'diagnostics'),
      runId: 'run-1',
      error: result && toError(result.diagnosis, { what: 'PostgreSQL did not become ready' }),
      diagnosis: result?.diagnosis,
      access,
      engine,
      exportLogs: (directory, signal) =>
        execa('kind', ['export', 'logs', directory, '--name', cluster], { cancelSignal: signal }),
      timeline: [{ phase: 'postgres', start: 0, end: 4_200, outcome: 'failed', detail: 'owl-post-1742' }],
      versions: { node: process.version },
      env: {
        DATABASE_URL: 'postgres://shop:correct-horse@127.0.0.1:5432/shop',
        AWS_SECRET_ACCESS_KEY: 'mine',
      },
    });
    times.push(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  for the bundle`);
    const files = await readdir(path, { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining([
        'summary.txt',
        'timeline.txt',
        'versions.txt',
        'host.txt',
        'nodes.txt',
        'events.txt',
        'pods.txt',
        'pods/crash-loop/app.yaml',
      ]),
    );
    expect(files.filter((file) => file.startsWith(`kind/${node}`))).not.toEqual([]);
    const text = async (file: string) => readFile(join(path, file), 'utf8').catch(() => '');
    expect(await text('summary.txt')).toMatch(/init script 01-schema\.sql fails at line 3/);
    // the kubelet keeps one of a crashing container's two last lives, now this one, now that
    const lives = await Promise.all(
      ['app.log', 'app.previous.log'].map((log) => text(`logs/crash-loop/app/${log}`)),
    );
    expect(lives.join('')).toMatch(/cannot read settings\.json/);
    for (const file of files) {
      expect(`${file}: ${await text(file)}`).not.toMatch(/correct-horse|owl-post-1742|AWS_SECRET_ACCESS_KEY/);
    }
  }, 60_000);

  test('disk-pressure', async () => {
    // the kubelet thinks its disk full when not all of it is free
    const config = '/var/lib/kubelet/config.yaml';
    await inNode(`cp ${config} /tmp/kubelet.yaml`);
    await inNode(
      `sed -i 's/nodefs.available: .*/nodefs.available: 99.9%/' ${config} && systemctl restart kubelet`,
    );
    await kubectl(['create', 'namespace', 'disk-pressure']);
    while ((await kubectl(['-n', 'disk-pressure', 'get', 'serviceaccounts', '-o', 'name'])).stdout === '')
      await sleep(200);
    await kubectl([
      '-n',
      'disk-pressure',
      'run',
      'app',
      '--image',
      'busybox',
      '--image-pull-policy',
      'Never',
      '--',
      'sleep',
      '600',
    ]);
    const result = await named(
      { access, scope: { namespaces: ['disk-pressure'] }, engine },
      ({ cause: name }) => name === 'disk-pressure',
      AbortSignal.timeout(60_000),
    );
    expect(shown(result)).toMatch(/node jkh-diagnose-control-plane is short of disk space/);
    await inNode(`cp /tmp/kubelet.yaml ${config}`);
  }, 70_000);

  test('node-not-ready', async () => {
    await inNode('systemctl stop kubelet');
    await kubectl(['create', 'namespace', 'node-not-ready']);
    const result = await named(
      { access, scope: { namespaces: ['node-not-ready'] }, engine },
      ({ cause: name }) => name === 'node-not-ready',
      AbortSignal.timeout(80_000),
    );
    expect(shown(result)).toMatch(/is not ready: Kubelet stopped posting node status/);
  }, 90_000);

  test('API server not answering', async () => {
    await docker('pause', node);
    const start = performance.now();
    const diagnosis = await watchForCause({
      access,
      scope: { namespaces: ['default'] },
      engine,
      timeout: 2_000,
      signal: AbortSignal.timeout(30_000),
    });
    const text = shown({ diagnosis, seconds: (performance.now() - start) / 1000 });
    await docker('unpause', node);
    expect(diagnosis.cause).toBe('api-not-answering');
    expect(text).toMatch(/container jkh-diagnose-control-plane is paused/);
  }, 40_000);
});

describe('on a real host, the cause is named', () => {
  let listener: ChildProcess;

  afterEach(() => {
    listener.kill();
  });

  test('host port taken, with the process that has it', async () => {
    const script = `const server = require('net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port))`;
    listener = spawn(process.execPath, ['-e', script, 'shop-server'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    listener.stdout?.once('data', (text: Buffer) => {
      resolve(Number(text));
    });
    const port = await promise;
    const start = performance.now();
    const run = await execa(
      'docker',
      ['run', '--rm', '-p', `127.0.0.1:${String(port)}:80`, 'busybox', 'true'],
      { reject: false },
    );
    expect(portIn(run.stderr)).toBe(port);
    const diagnosis = diagnose(await observe({ ports: [port] }), { failure: run.stderr });
    expect(diagnosis).toMatchObject({ cause: 'port-taken', conclusive: true });
    const text = diagnosis && shown({ diagnosis, seconds: (performance.now() - start) / 1000 });
    expect(text).toContain(`process ${String(listener.pid)}`);
    expect(text).toContain('shop-server');
  }, 30_000);

  test('a port that is free has no owner', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    expect((await observe({ ports: [port] })).host.ports).toMatchObject([{ port, pid: process.pid }]);
    await new Promise((resolve) => server.close(resolve));
    expect((await observe({ ports: [port] })).host.ports).toEqual([]);
  });
});
