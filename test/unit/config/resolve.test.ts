import { mkdirSync } from 'node:fs';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';

import { loadConfig } from '../../../src/config/index.js';
import { configured, project } from './project.js';

const load = (rootDir: string, env: NodeJS.ProcessEnv = {}) => loadConfig({ rootDir, env });

test('no file is needed', async () => {
  const folder = project();
  expect(await load(folder, { HOME: '/home/me' })).toMatchObject({
    ...{
      rootDir: folder,
      file: undefined,
      keep: 'never',
      quiet: false,
      postgres: undefined,
      manifests: [],
      setup: [],
      eachRun: [],
    },
    cluster: { provider: 'kind', image: undefined, nodes: [{ role: 'control-plane' }], config: undefined },
    images: [{ kind: 'pull', reference: 'postgres:17-alpine' }],
    mirrors: ['mirror.gcr.io', 'public.ecr.aws/docker'],
    diagnostics: { directory: path.join(folder, '.jest-kubernetes'), tests: true },
  });
});

describe('the cluster’s name', () => {
  const nameIn = async (folder: string): Promise<string> => (await load(folder)).cluster.name;

  test('tells which workspace it is, the same for all of its packages and runs', async () => {
    const folder = project({
      'packages/api/package.json': {},
      'packages/web/jest-kubernetes.config.json': '{}',
    });
    const name = await nameIn(folder);
    expect(name).toMatch(/^jk-shop-[0-9a-f]{8}$/);
    expect(await nameIn(folder)).toBe(name);
    expect(await nameIn(path.join(folder, 'packages/api'))).toBe(name);
    expect(await nameIn(path.join(folder, 'packages/web'))).toBe(name);
  });

  test('is another for each of two workspaces of one folder name', async () => {
    expect(await nameIn(project({}, 'shop'))).not.toBe(await nameIn(project({}, 'shop')));
  });

  describe('of a run', () => {
    const nameOfRun = async (folder: string, stateDir: string): Promise<string> => {
      const env = { JEST_KUBERNETES_STATE_DIR: stateDir };
      return (await loadConfig({ rootDir: folder, env, forRun: true })).cluster.name;
    };

    test('is another for each of two state directories of one path, as two containers with one engine have', async () => {
      const folder = project({ 'packages/api/package.json': {} });
      const stateDir = path.join(folder, '../state');
      const name = await nameOfRun(folder, stateDir);
      expect(await nameOfRun(path.join(folder, 'packages/api'), stateDir)).toBe(name);
      rmSync(stateDir, { recursive: true });
      expect(await nameOfRun(folder, stateDir)).not.toBe(name);
    });

    test('is the one that the command finds afterwards, which makes no state directory itself', async () => {
      const folder = project();
      const stateDir = path.join(folder, '../state');
      const byCommand = async (): Promise<string> =>
        (await load(folder, { JEST_KUBERNETES_STATE_DIR: stateDir })).cluster.name;
      await byCommand();
      expect(existsSync(stateDir)).toBe(false);
      expect(await byCommand()).not.toBe(await nameOfRun(folder, stateDir));
      expect(await byCommand()).toBe(await nameOfRun(folder, stateDir));
    });

    test('needs a state directory, and no folder that holds other things', async () => {
      const folder = project();
      await expect(nameOfRun(folder, folder)).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
    });
  });

  test.each([
    'My Shop (copy)',
    '日本語',
    '-_-',
    'A'.repeat(120),
    '.hidden',
    'x'.repeat(23) + '--y',
    'über.shop',
  ])('is one that kind accepts, in a folder %s', async (folderName) => {
    const name = await nameIn(project({}, folderName));
    expect(name).toMatch(/^[a-z0-9](?:[a-z0-9.-]{0,47}[a-z0-9])?$/);
    expect(name).not.toContain('--');
  });
});

test.each([
  [{}, '.jest-kubernetes', true],
  [{ diagnostics: 'out' }, 'out', true],
  [{ diagnostics: { tests: false } }, '.jest-kubernetes', false],
  [{ diagnostics: { directory: 'out' } }, 'out', true],
])('%j: bundles in %s, of tests: %s', async (config, directory, tests) => {
  const folder = configured(config);
  expect((await load(folder)).diagnostics).toEqual({ directory: path.join(folder, directory), tests });
});

test('relative paths start from the configuration’s folder, whichever package is tested', async () => {
  const folder = configured(
    {
      cluster: { config: './kind.yaml' },
      images: [{ build: 'api', dockerfile: 'test.Dockerfile', tag: 'a' }, { archive: './redis.tar' }],
      manifests: [
        ...['k8s/crds', 'k8s/*.yaml', { kustomize: 'k8s/overlay' }, '/dev/null'],
        { path: 'k8s/crds', wait: false },
        { helm: 'charts/Shop-1.2.0.tgz', values: ['v.yaml', { a: 1 }] },
        { helm: 'charts/web', values: { a: 1 }, release: 'mine', namespace: 'team', wait: false },
      ],
      postgres: { initdb: 'db' },
      diagnostics: 'out',
    },
    {
      ...{ 'kind.yaml': 'nodes: [{ role: worker }]', 'api/test.Dockerfile': '', 'redis.tar': '' },
      ...{ 'k8s/crds/a.yaml': '', 'k8s/overlay/kustomization.yaml': '', 'db/a.sql': '' },
      ...{ 'charts/Shop-1.2.0.tgz': '', 'charts/web/Chart.yaml': '', 'v.yaml': '' },
    },
  );
  const rootDir = path.join(folder, 'packages/api');
  mkdirSync(rootDir, { recursive: true });
  const at = (name: string): string => path.join(folder, name);
  expect(await load(rootDir)).toMatchObject({
    ...{
      rootDir,
      file: at('jest-kubernetes.config.json'),
      diagnostics: { directory: at('out'), tests: true },
    },
    cluster: { config: { nodes: [{ role: 'worker' }] } },
    images: [
      { kind: 'build', context: at('api'), dockerfile: 'test.Dockerfile', args: {}, push: undefined },
      { kind: 'archive', path: at('redis.tar') },
      { kind: 'pull', reference: 'postgres:17-alpine' },
    ],
    manifests: [
      { kind: 'path', path: at('k8s/crds'), wait: true },
      { kind: 'path', path: at('k8s/*.yaml'), wait: true },
      { kind: 'kustomize', path: at('k8s/overlay'), wait: true },
      { kind: 'path', path: '/dev/null', wait: true },
      { kind: 'path', path: at('k8s/crds'), wait: false },
      {
        ...{ kind: 'helm', path: at('charts/Shop-1.2.0.tgz'), values: [at('v.yaml'), { a: 1 }] },
        ...{ release: 'shop', namespace: 'default', wait: true },
      },
      {
        ...{ kind: 'helm', path: at('charts/web'), values: [{ a: 1 }] },
        ...{ release: 'mine', namespace: 'team', wait: false },
      },
    ],
    postgres: { initdb: [at('db')] },
  });
});

test('nodes are each on their own, with their mounts from there', async () => {
  const nodes = [
    { labels: { tier: 'front' }, taints: ['spare:NoExecute'] },
    { mounts: [{ hostPath: 'fixtures', containerPath: '/fixtures' }] },
  ];
  const folder = configured({ cluster: { nodes } }, { 'fixtures/a': '' });
  const plain = { labels: {}, taints: [], mounts: [] };
  expect((await load(folder)).cluster.nodes).toEqual([
    {
      ...plain,
      role: 'control-plane',
      labels: { tier: 'front' },
      taints: [{ key: 'spare', value: '', effect: 'NoExecute' }],
    },
    {
      ...plain,
      role: 'worker',
      mounts: [{ hostPath: path.join(folder, 'fixtures'), containerPath: '/fixtures', readOnly: false }],
    },
  ]);
  const three = (await load(configured({ cluster: { nodes: 3 } }))).cluster.nodes;
  expect(three.map(({ role }) => role)).toEqual(['control-plane', 'worker', 'worker']);
});

test('a kubeconfig of an existing cluster is found from there too', async () => {
  const cluster = { provider: 'existing', kubeconfig: 'ci.kubeconfig', context: 'ci', name: 'shop' };
  const folder = configured({ cluster }, { 'ci.kubeconfig': '' });
  expect((await load(folder)).cluster).toMatchObject({
    ...{ kubeconfig: path.join(folder, 'ci.kubeconfig'), context: 'ci', conflicts: 'refuse' },
  });
});

test.each([
  ['nothing', {}, undefined],
  ['true, its own reference', { push: true }, 'shop/api:test'],
  ['false, none', { push: false }, undefined],
  ['a reference, that one', { push: 'ghcr.io/shop/api:1' }, 'ghcr.io/shop/api:1'],
])('push: %s', async (_, push, expected) => {
  const image = { reference: 'shop/api:test', ...push };
  const build = { build: '.', tag: 'shop/api:test', ...push };
  const folder = configured({ images: [image, build] }, { Dockerfile: '' });
  const { images } = await load(folder);
  expect(images).toEqual([
    { kind: 'pull', reference: 'shop/api:test', push: expected },
    expect.objectContaining({ kind: 'build', dockerfile: 'Dockerfile', push: expected }),
  ]);
});

test('an empty list of mirrors turns them off', async () => {
  expect((await load(configured({ mirrors: [] }))).mirrors).toEqual([]);
});

describe('durations', () => {
  const timeouts = async (config: unknown) => (await load(configured({ timeouts: config }))).timeouts;

  test('are numbers of milliseconds or text, and what is left out keeps its default', async () => {
    expect(
      await timeouts({
        cluster: { stall: '500ms', total: '1.5h' },
        pull: { stall: 45_000 },
        import: { total: '20 m' },
      }),
    ).toMatchObject({
      cluster: { stall: 500, total: 5_400_000 },
      pull: { stall: 45_000, total: 1_800_000 },
      import: { stall: 90_000, total: 1_200_000 },
      manifests: { stall: 90_000, total: 600_000 },
      postgres: { stall: 90_000, total: 600_000 },
    });
  });

  test('a default gives way to a limit that is given', async () => {
    const { cluster, pull } = await timeouts({ cluster: { stall: '20m' }, pull: { total: '30s' } });
    expect(cluster).toEqual({ stall: 1_200_000, total: 1_200_000 });
    expect(pull).toEqual({ stall: 30_000, total: 30_000 });
  });
});

describe('postgres', () => {
  test('true is all defaults', async () => {
    const folder = configured({ postgres: true });
    const { postgres, images } = await load(folder);
    expect(postgres).toEqual({
      migrateIn: folder,
      ...{ image: 'postgres:17-alpine', database: 'app', user: 'app', password: undefined, hostPort: 0 },
      ...{ initdb: [], settings: {}, resources: {}, storage: 'memory', reset: 'file', migrate: undefined },
    });
    expect(images).toEqual([{ kind: 'pull', reference: 'postgres:17-alpine', push: undefined }]);
  });

  test('false is none', async () => {
    expect((await load(configured({ postgres: false }))).postgres).toBeUndefined();
  });

  test('settings and quantities are texts, as PostgreSQL and Kubernetes read them', async () => {
    const options = {
      settings: { max_connections: 200, jit: false },
      resources: { limits: { cpu: 2, memory: '512Mi' } },
    };
    expect((await load(configured({ postgres: options }))).postgres).toMatchObject({
      settings: { max_connections: '200', jit: 'false' },
      resources: { limits: { cpu: '2', memory: '512Mi' } },
    });
  });

  test.each([
    ['is added to the images', ['redis:8-alpine'], ['redis:8-alpine', 'postgres:16']],
    ['is there once', ['postgres:16', 'redis:8-alpine'], ['postgres:16', 'redis:8-alpine']],
    ['is there once, with push', [{ reference: 'postgres:16', push: false }], ['postgres:16']],
    ['is not pulled where it is built', [{ build: '.', tag: 'postgres:16' }], ['postgres:16']],
    ['takes the default’s place', undefined, ['postgres:16']],
    ['is added to none', [], ['postgres:16']],
  ])('its image %s', async (_, images, expected) => {
    const folder = configured({ postgres: { image: 'postgres:16' }, images }, { Dockerfile: '' });
    const names = (await load(folder)).images.map((each) =>
      each.kind === 'pull' ? each.reference : each.kind === 'build' ? each.tag : each.path,
    );
    expect(names).toEqual(expected);
  });
});

describe('the state directory', () => {
  const where = async (env: NodeJS.ProcessEnv): Promise<string> => (await load(project(), env)).stateDir;

  test('is where JEST_KUBERNETES_STATE_DIR says', async () => {
    expect(await where({ JEST_KUBERNETES_STATE_DIR: '/ci/state/' })).toBe('/ci/state');
    expect(await where({ JEST_KUBERNETES_STATE_DIR: '~/state', HOME: '/home/me' })).toBe('/home/me/state');
  });

  test('is not relative: each package of a monorepo would have another', async () => {
    await expect(where({ JEST_KUBERNETES_STATE_DIR: 'state' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      evidence: [
        'JEST_KUBERNETES_STATE_DIR: it is "state", but allowed is an absolute path, or one that begins with ~/',
        expect.stringContaining('could not share a cluster'),
      ],
    });
  });

  const home = '/home/me';
  const usual =
    process.platform === 'darwin'
      ? '/home/me/Library/Application Support/jest-kubernetes'
      : '/home/me/.local/state/jest-kubernetes';

  test.each([
    ['named', '/xdg', process.platform === 'darwin' ? usual : '/xdg/jest-kubernetes'],
    ['not named', undefined, usual],
    ['named empty', '', usual],
    ['relative, which its specification forbids', 'xdg', usual],
  ])('is the system’s own where XDG_STATE_HOME is %s', async (_, xdg, expected) => {
    expect(await where({ HOME: home, XDG_STATE_HOME: xdg })).toBe(expected);
  });
});
