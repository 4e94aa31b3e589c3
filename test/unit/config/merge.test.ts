import path from 'node:path';

import { loadAsked } from '../../../src/config/load.js';
import { type AskedConfig, mergeConfigs } from '../../../src/config/merge.js';
import type { JestKubernetesError } from '../../../src/support/errors.js';
import { natively, project } from './project.js';

/** The configurations of a workspace's packages, each by its file. */
async function packages(
  configs: Record<string, unknown>,
): Promise<{ folder: string; loaded: AskedConfig[] }> {
  const files = Object.entries(configs).map(([name, config]): [string, unknown] =>
    config === undefined
      ? [`packages/${name}/package.json`, {}]
      : [`packages/${name}/jest-kubernetes.config.json`, config],
  );
  const folder = project({ ...Object.fromEntries(files), 'k8s/a.yaml': '', 'k8s/b.yaml': '' });
  const loaded = await Promise.all(
    Object.keys(configs).map((name) => loadAsked({ rootDir: path.join(folder, 'packages', name), env: {} })),
  );
  return { folder, loaded };
}

async function refused(configs: Record<string, unknown>): Promise<string[]> {
  const { folder, loaded } = await packages(configs);
  try {
    mergeConfigs(loaded);
  } catch (error) {
    const { code, message, evidence, remedy } = error as JestKubernetesError;
    expect(code).toBe('CONFIG_CONFLICT');
    expect(message).toBe('The Jest projects of this run want different clusters');
    expect(remedy).toContain('images, manifests and services may differ');
    return evidence.map((line) =>
      line.replaceAll(`${folder}/packages/`, '').replaceAll('/jest-kubernetes.config.json', ''),
    );
  }
  throw new Error('it was not refused');
}

test('one project’s configuration stays as it is', async () => {
  const { loaded } = await packages({ api: { postgres: true } });
  expect(mergeConfigs(loaded)).toEqual(loaded[0]?.config);
});

test('images and manifests are added up, each once, in order', async () => {
  const { folder, loaded } = await packages({
    api: { images: ['redis:8', 'nginx:1'], manifests: ['../../k8s/a.yaml'] },
    web: { images: ['nginx:1', 'busybox:1'], manifests: ['../../k8s/a.yaml', '../../k8s/b.yaml'] },
  });
  const { images, manifests } = mergeConfigs(loaded);
  expect(images.map((each) => each.kind === 'pull' && each.reference)).toEqual([
    'redis:8',
    'nginx:1',
    'busybox:1',
  ]);
  expect(manifests.map((each) => path.relative(folder, each.path))).toEqual(['k8s/a.yaml', 'k8s/b.yaml']);
});

test('a project without a configuration asks for nothing but the default image', async () => {
  const { loaded } = await packages({
    ui: undefined,
    api: { postgres: true, keep: 'always', images: ['redis:8'] },
    docs: undefined,
  });
  const merged = mergeConfigs(loaded);
  expect(merged).toMatchObject({
    keep: 'always',
    postgres: { database: 'app' },
    file: loaded[1]?.config.file,
  });
  expect(merged.images).toHaveLength(2);
});

test('projects that share a file share what it says, functions included', async () => {
  const { loaded } = await packages({ api: { postgres: true } });
  const [{ config, said }] = loaded as [AskedConfig];
  const migrate = (): undefined => undefined;
  // as a configuration that is a function gives it to each
  const given = (): AskedConfig => ({
    said: { ...said, postgres: { migrate } },
    config: {
      ...config,
      setup: [{ file: config.file, call: () => undefined }],
      postgres: config.postgres && { ...config.postgres, migrate: () => undefined },
    },
  });
  expect(() => mergeConfigs([given(), given()])).not.toThrow();
});

test('each file’s hooks are called once, in order, and a module that two name is one', async () => {
  const { loaded } = await packages({ api: {}, web: {} });
  const [api, web] = loaded as [AskedConfig, AskedConfig];
  const calling = ({ config, said }: AskedConfig): AskedConfig => {
    const setup = [
      { file: config.file, call: () => config.file },
      { file: '/shared.ts', call: undefined },
    ];
    return { said, config: { ...config, setup, eachRun: setup } };
  };
  const both = mergeConfigs([calling(api), calling(web), calling(api)]);
  for (const hooks of [both.setup, both.eachRun])
    expect(hooks.map(({ file }) => file)).toEqual([api.config.file, '/shared.ts', web.config.file]);
});

describe('what all must agree on is refused where they do not, by key and file', () => {
  test.each([
    [{ cluster: { name: 'a' } }, { cluster: { name: 'b' } }, ['cluster.name: "a" in api, "b" in web']],
    [{ postgres: true }, { postgres: false }, ['postgres: on in api, off in web']],
    [{ keep: 'always' }, { keep: 'never' }, ['keep: "always" in api, "never" in web']],
    [
      { postgres: { image: 'postgres:16', settings: { jit: true } } },
      { postgres: { image: 'postgres:17', settings: { jit: false } } },
      [
        'postgres.image: "postgres:16" in api, "postgres:17" in web',
        'postgres.settings.jit: "true" in api, "false" in web',
      ],
    ],
    [
      { timeouts: { pull: { total: '1h' } } },
      { timeouts: { pull: { total: '2h', stall: '1m' } } },
      ['timeouts.pull.total: 3600000 in api, 7200000 in web'],
    ],
    [{ mirrors: [] }, { mirrors: ['a.io'] }, ['mirrors: [] in api, ["a.io"] in web']],
    [
      { cluster: { image: 'a/node:1' } },
      { cluster: { version: '1.36.9' } },
      ['cluster.image: "a/node:1" in api, "kindest/node:v1.36.9" in web'],
    ],
    [
      { cluster: { config: { networking: { ipFamily: 'ipv6' } } } },
      { cluster: { config: { networking: { ipFamily: 'dual' } } } },
      ['cluster.config.networking.ipFamily: "ipv6" in api, "dual" in web'],
    ],
    [
      { cluster: { nodes: 2 } },
      { cluster: { config: { networking: {} } } },
      ['cluster.nodes and cluster.config: 2 in api, {"networking":{}} in web'],
    ],
    [
      { cluster: { version: '1.36' } },
      { cluster: { provider: 'existing', name: 'a', context: 'b' } },
      ['cluster.version and cluster.provider: "1.36" in api, "existing" in web'],
    ],
  ])('%j and %j', async (api, web, expected) => {
    expect(await refused({ api, web })).toEqual(expected);
  });

  test('a password is not told', async () => {
    const lines = await refused({
      api: { postgres: { password: 'hush' } },
      web: { postgres: { password: 'secret' } },
    });
    expect(lines).toEqual(['postgres.password: one in api, another in web']);
  });
});

test('of what a terminal shows the first that says something decides', async () => {
  const { loaded } = await packages({ api: {}, ui: { quiet: false }, web: { quiet: true } });
  expect(mergeConfigs(loaded).quiet).toBe(false);
});

test('an image that nobody asks for gives way to the same that somebody does', async () => {
  const { loaded } = await packages({ api: { images: ['postgres:17-alpine'] }, web: { manifests: [] } });
  expect(mergeConfigs(loaded).images).toEqual([
    { kind: 'pull', reference: 'postgres:17-alpine', push: undefined },
  ]);
});

describe('what a project does not say it does not ask for', () => {
  test.each([
    [{ postgres: true }, {}, { postgres: { database: 'app' } }],
    [{ keep: 'always' }, {}, { keep: 'always' }],
    [{ cluster: { name: 'a' } }, {}, { cluster: { name: 'a', provider: 'kind' } }],
    [
      { cluster: { nodes: 2 } },
      { cluster: { version: '1.36.9' } },
      { cluster: { image: 'kindest/node:v1.36.9' } },
    ],
    [{ mirrors: [] }, {}, { mirrors: [] }],
    [{ quiet: true }, {}, { quiet: true }],
    [
      { postgres: { image: 'postgres:16', settings: { jit: true } } },
      { postgres: { database: 'shop', settings: { fsync: false } } },
      { postgres: { image: 'postgres:16', database: 'shop', settings: { jit: 'true', fsync: 'false' } } },
    ],
    [
      { timeouts: { pull: { total: '1h' } } },
      { timeouts: { pull: { stall: '7s' } } },
      { timeouts: { pull: { stall: 7000, total: 3_600_000 } } },
    ],
    [
      { diagnostics: 'seen' },
      {},
      { diagnostics: { directory: expect.stringMatching(/(api|web)\/seen$/) as string } },
    ],
  ])('%j and %j, in either order', async (one, other, expected) => {
    for (const packages_ of [
      { api: one, web: other },
      { api: other, web: one },
    ]) {
      const { loaded } = await packages(packages_);
      expect(mergeConfigs(loaded)).toMatchObject(expected);
    }
  });

  test('three may each say a part, and the two that differ are named', async () => {
    const lines = await refused({ api: {}, ui: { keep: 'always' }, web: { postgres: true, keep: 'never' } });
    expect(lines).toEqual(['keep: "always" in ui, "never" in web']);
  });

  test('PostgreSQL of an image of its own leaves no other to be pulled', async () => {
    const { loaded } = await packages({ api: { postgres: { image: 'postgres:16' } }, web: {} });
    expect(mergeConfigs(loaded).images).toMatchObject([{ reference: 'postgres:16' }]);
  });
});

test('migrate runs in the folder of the configuration that asks for it', async () => {
  const { folder, loaded } = await packages({
    api: { postgres: true },
    web: { postgres: { migrate: 'npm run migrate' } },
  });
  const expected = { migrateIn: path.join(folder, 'packages/web'), migrate: 'npm run migrate' };
  expect(mergeConfigs(loaded).postgres).toMatchObject(expected);
  const both = { postgres: { migrate: 'npm run migrate' } };
  expect(await refused({ api: both, web: both })).toEqual(['postgres.migrateIn: "api" in api, "web" in web']);
});

test('and that folder is the file’s, from wherever in the project Jest was started', async () => {
  const folder = project({
    'jest-kubernetes.config.json': { postgres: { migrate: 'npm run migrate' } },
    'packages/api/deep/package.json': {},
  });
  const { config } = await loadAsked({ rootDir: path.join(folder, 'packages/api/deep'), env: {} });
  expect(config.postgres?.migrateIn).toBe(folder);
});

test('the packages of examples/monorepo can be the projects of one run', async () => {
  const packages_ = path.resolve(__dirname, '../../../examples/monorepo/packages');
  const names = ['api', 'operator', 'worker'];
  const env = { JEST_KUBERNETES_STATE_DIR: path.join(project(), 'state') };
  const config = await natively().loadRunConfig(
    names.map((name) => path.join(packages_, name)),
    env,
  );
  expect(config).toMatchObject({
    postgres: { initdb: [path.join(packages_, 'api/schema.sql')] },
    images: [
      { reference: 'postgres:17-alpine' },
      { reference: 'busybox:latest' },
      { tag: 'tasks/worker:test' },
    ],
    manifests: [{ path: path.join(packages_, 'operator/crds') }],
  });
});
