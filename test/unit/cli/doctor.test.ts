import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { type Ended, Place } from './command.js';

jest.setTimeout(60_000);

interface Check {
  name: string;
  status: 'ok' | 'warning' | 'problem';
  seen: string;
  remedy: string | null;
}

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const engineInfo = { ID: 'e', NCPU: 4, MemTotal: 8e9, CgroupVersion: '2', DockerRootDir: '/' };

/** A project with all that a run needs, and an engine of this test's own, whose Docker says this of itself. */
async function healthy(info: Readonly<Record<string, unknown>> = {}) {
  const packages = {
    jest: '30.5.2',
    '@kubernetes/client-node': '2.0.1',
    typescript: '6.0.3',
    '@types/jest': '30.0.0',
  };
  const place = new Place({
    'jest.config.js': "module.exports = { preset: 'jest-kubernetes' };",
    'package.json': { name: 'shop' },
    ...Object.fromEntries(
      Object.entries(packages).map(([name, version]) => [
        `node_modules/${name}/package.json`,
        { name, version },
      ]),
    ),
  });
  const bin = path.join(place.parent, 'bin');
  const program = (name: string, script: string): void => {
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  program('docker', 'echo "$@" >>"$0.log"; echo sha256:aa linux/amd64');
  program('kind', 'echo kind v0.33.0 go1.25 linux/amd64');
  program('kubectl', 'exit 1');
  const socket = path.join(place.parent, 'docker.sock');
  const answers: Record<string, unknown> = {
    '/version': { Version: '28.5.2', Os: 'linux', Arch: 'amd64' },
    '/info': { ...engineInfo, ...info },
  };
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify(answers[request.url ?? ''] ?? {}));
  });
  servers.push(server);
  server.listen(socket);
  await once(server, 'listening');
  const env = {
    ...{ PATH: bin, DOCKER_HOST: `unix://${socket}`, HOME: place.parent, NODE_EXTRA_CA_CERTS: undefined },
    ...{ HTTP_PROXY: undefined, HTTPS_PROXY: undefined, http_proxy: undefined, https_proxy: undefined },
  };
  return {
    place,
    bin,
    program,
    run: (changes: NodeJS.ProcessEnv = {}, ...args: string[]) =>
      place.run(['doctor', ...args], { ...env, ...changes }),
  };
}

const checksIn = ({ stdout }: Ended): Record<string, Check> =>
  Object.fromEntries((JSON.parse(stdout) as { checks: Check[] }).checks.map((check) => [check.name, check]));

test('finds a machine on which a run can work, and says what it saw', async () => {
  const { run } = await healthy();
  const { status, stdout } = await run();
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(stdout).toMatch(/^ ✓ Jest +30\.5\.2$/m);
  expect(stdout).toMatch(/^ ✓ engine +docker 28\.5\.2 \(linux\/amd64\) at unix:\S+docker\.sock$/m);
  expect(stdout).toMatch(/^ ✓ kind +kind 0\.33\.0 at/m);
  expect(stdout).toMatch(/^ ✓ images +here: postgres:17-alpine$/m);
  expect(stdout).toMatch(/\nA run can work here\.$/);
});

test.each([80, 50])(
  'fits a terminal of %i columns, but for a path, and a command that is to be copied',
  async (columns) => {
    const { run } = await healthy({ CgroupVersion: '1' });
    const { stdout } = await run({ COLUMNS: String(columns), HTTPS_PROXY: 'http://proxy.corp:3128' });
    const long = stdout.split('\n').filter((line) => line.length >= columns);
    expect(long.filter((line) => !/→ export NO_PROXY=|^ +(unix:\/\/)?\/\S+$/.test(line))).toEqual([]);
    expect(stdout).toMatch(columns === 80 ? /^ ✓ Jest +30\.5\.2$/m : /^ ✓ Jest\n {3}30\.5\.2$/m);
  },
);

test('changes nothing: no state directory is made, and the engine is only asked', async () => {
  const { place, bin, run } = await healthy();
  rmSync(place.stateDir, { recursive: true });
  const before = readdirSync(place.parent, { recursive: true }).sort();
  expect((await run()).status).toBe(0);
  const after = readdirSync(place.parent, { recursive: true }).sort();
  expect(after).toEqual([...before, 'bin/docker.log'].sort());
  expect(bin).toContain(place.parent);
});

test('without an engine no run can work, and what would be asked of it is left out', async () => {
  const { run } = await healthy();
  const ended = await run({ DOCKER_HOST: 'unix:///nowhere.sock' }, '--json');
  expect(ended.status).toBe(1);
  const checks = checksIn(ended);
  expect(checks['engine']).toMatchObject({
    status: 'problem',
    seen: expect.stringContaining('(RUNTIME_NOT_ANSWERING)') as string,
    remedy: expect.stringContaining('DOCKER_HOST') as string,
  });
  expect(Object.keys(checks)).not.toContain('memory');
  expect((JSON.parse(ended.stdout) as { works: boolean }).works).toBe(false);
});

const sick: [
  what: string,
  check: string,
  status: string,
  seen: RegExp,
  remedy: RegExp,
  ill: { info?: object; env?: NodeJS.ProcessEnv; files?: Record<string, unknown> },
][] = [
  [
    'too little memory',
    'memory',
    'warning',
    /^1\.0 GB.*a node needs some 2\.0 GB/,
    /Give Docker more memory/,
    { info: { MemTotal: 1e9 } },
  ],
  ['one CPU', 'CPUs', 'warning', /^1:/, /2 or more/, { info: { NCPU: 1 } }],
  ['cgroup v1', 'cgroups', 'warning', /^v1/, /v2/, { info: { CgroupVersion: '1' } }],
  [
    'a Jest that is too old',
    'Jest',
    'problem',
    /^28\.1\.0, and supported is \^29/,
    /^npm install --save-dev jest$/,
    { files: { 'node_modules/jest/package.json': { version: '28.1.0' } } },
  ],
  [
    'pnpm, and no client',
    'Kubernetes client',
    'problem',
    /is not found/,
    /^pnpm add --save-dev @kubernetes\/client-node$/,
    { files: { 'node_modules/@kubernetes/client-node/package.json': '', 'pnpm-lock.yaml': '' } },
  ],
  [
    'no types of the tests',
    'TypeScript',
    'warning',
    /without the types/,
    /@types\/jest/,
    { files: { 'node_modules/@types/jest/package.json': '' } },
  ],
  [
    'another preset',
    'Jest config',
    'warning',
    /does not name/,
    /preset: 'jest-kubernetes'/,
    { files: { 'jest.config.js': 'module.exports = {}' } },
  ],
  [
    'a mistake in the configuration',
    'configuration',
    'problem',
    /CONFIG_INVALID.*\n.*did you mean keep\?/,
    /^$/,
    { files: { 'jest-kubernetes.config.json': { kepe: 'always' } } },
  ],
  [
    'a misspelt variable',
    'configuration',
    'warning',
    /JEST_KUBERNETES_KEPE is not known.*did you mean/,
    /^$/,
    { env: { JEST_KUBERNETES_KEPE: 'always' } },
  ],
  [
    'the preset switched off',
    'Jest config',
    'warning',
    /switches the preset off/,
    /^unset/,
    { env: { JEST_KUBERNETES: 'off' } },
  ],
  [
    'a proxy for the cluster too',
    'proxies',
    'warning',
    /^HTTPS_PROXY \(proxy\.corp:3128\); NO_PROXY does not name 127\.0\.0\.1,/,
    /NO_PROXY=\.corp,localhost,127\.0\.0\.1 /,
    { env: { HTTPS_PROXY: 'http://me:secret@proxy.corp:3128', NO_PROXY: '.corp, localhost' } },
  ],
  [
    'no authorities',
    'authorities',
    'problem',
    /\/nowhere\.pem/,
    /NODE_EXTRA_CA_CERTS/,
    { env: { NODE_EXTRA_CA_CERTS: '/nowhere.pem' } },
  ],
  [
    "somebody's own folder for the state",
    'state directory',
    'problem',
    /holds other things/,
    /JEST_KUBERNETES_STATE_DIR/,
    { env: { JEST_KUBERNETES_STATE_DIR: __dirname } },
  ],
];

test.each(sick)('%s: %s is a %s', async (_, name, status, seen, remedy, { info, env, files }) => {
  const { place, run } = await healthy(info as Record<string, unknown>);
  if (files !== undefined) place.write(files);
  const ended = await run(env, '--json');
  const check = checksIn(ended)[name];
  expect(check).toMatchObject({ status });
  expect(check?.seen.replaceAll('\n', ' \n')).toMatch(new RegExp(seen.source, 's'));
  expect(check?.remedy ?? '').toMatch(remedy);
  expect(ended.stdout).not.toContain('secret');
  expect(ended.status).toBe(status === 'problem' ? 1 : 0);
});

test('names what nobody uses any more', async () => {
  const { place, run } = await healthy();
  place.cluster('left');
  const { leftovers } = checksIn(await run({}, '--json'));
  expect(leftovers).toEqual({
    ...{ name: 'leftovers', status: 'warning', remedy: 'npx jest-kubernetes prune' },
    seen: 'the cluster left, which nobody uses',
  });
});

test('a kind that is not there is looked for where it would be downloaded', async () => {
  const { bin, run } = await healthy();
  rmSync(path.join(bin, 'kind'));
  const server = http.createServer((request, response) => {
    response.statusCode = request.url?.startsWith('/there/') === true ? 200 : 404;
    response.end('a program');
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const at = async (folder: string): Promise<Check | undefined> =>
    checksIn(await run({ JEST_KUBERNETES_KIND_BASE_URL: `http://127.0.0.1:${port}/${folder}` }, '--json'))[
      'kind'
    ];
  expect(await at('there')).toMatchObject({
    status: 'ok',
    seen: expect.stringMatching(/to be downloaded from .*, which answers$/) as string,
  });
  expect(await at('gone')).toMatchObject({
    status: 'problem',
    seen: expect.stringMatching(/\(KIND_MISSING\)[^]*the server answered 404/) as string,
    remedy: expect.stringContaining('Install kind') as string,
  });
});

test('images that are not here are looked for in their registries', async () => {
  const { place, program, run } = await healthy();
  program('docker', 'exit 1');
  place.write({ 'jest-kubernetes.config.json': { images: ['127.0.0.1:1/shop:1'] } });
  const { images } = checksIn(await run({}, '--json'));
  expect(images).toMatchObject({
    status: 'warning',
    seen: expect.stringMatching(
      /to be pulled: 127\.0\.0\.1:1\/shop:1; no answer here from 127\.0\.0\.1:1 \(/,
    ) as string,
  });
});

test('says which mirrors count, without their passwords', async () => {
  const { run } = await healthy();
  const env = { JEST_KUBERNETES_KIND_BASE_URL: 'https://me:secret@mirror.corp/kind' };
  const { mirrors } = checksIn(await run(env, '--json'));
  expect(mirrors).toMatchObject({
    status: 'ok',
    seen: 'mirror.gcr.io, public.ecr.aws/docker; JEST_KUBERNETES_KIND_BASE_URL=https://mirror.corp/kind',
  });
});

describe('for a cluster that is there already', () => {
  const kubeconfig = {
    contexts: [{ name: 'theirs', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
  };
  const cluster = { provider: 'existing', name: 'mine', context: 'theirs', kubeconfig: 'k' };
  const without = async (config: object) => {
    const { place, run } = await healthy();
    place.write({ k: kubeconfig, 'jest-kubernetes.config.json': { cluster, ...config } });
    return run({ DOCKER_HOST: 'unix:///nowhere.sock' }, '--json');
  };

  test('no engine is needed, nor kind', async () => {
    const ended = await without({ images: [] });
    const checks = checksIn(ended);
    expect(checks['engine']).toMatchObject({
      status: 'ok',
      seen: expect.stringMatching(/^none, and none is needed/) as string,
    });
    expect(checks).not.toHaveProperty('kind');
    expect(ended.status).toBe(0);
  });

  test('one is, where images are built for it', async () => {
    const { status, stdout } = await without({
      images: [{ build: '.', tag: 'registry.corp/shop:1', push: true }],
    });
    expect(status).toBe(1);
    expect(stdout).toContain('RUNTIME_NOT_ANSWERING');
  });
});
