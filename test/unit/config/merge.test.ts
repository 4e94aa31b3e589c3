import path from 'node:path';

import { type Config, loadConfig } from '../../../src/config/index.js';
import { mergeConfigs } from '../../../src/config/merge.js';
import type { JestKubernetesError } from '../../../src/support/errors.js';
import { project } from './project.js';

/** The configurations of a workspace's packages, each by its file. */
async function packages(configs: Record<string, unknown>): Promise<{ folder: string; loaded: Config[] }> {
  const files = Object.entries(configs).map(([name, config]): [string, unknown] =>
    config === undefined
      ? [`packages/${name}/package.json`, {}]
      : [`packages/${name}/jest-kubernetes.config.json`, config],
  );
  const folder = project({ ...Object.fromEntries(files), 'k8s/a.yaml': '', 'k8s/b.yaml': '' });
  const loaded = await Promise.all(
    Object.keys(configs).map((name) => loadConfig({ rootDir: path.join(folder, 'packages', name), env: {} })),
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
  expect(mergeConfigs(loaded)).toEqual(loaded[0]);
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
  expect(merged).toMatchObject({ keep: 'always', postgres: { database: 'app' }, file: loaded[1]?.file });
  expect(merged.images).toHaveLength(2);
});

test('projects that share a file share what it says, functions included', async () => {
  const { loaded } = await packages({ api: { postgres: true } });
  const [api] = loaded as [Config];
  // as a configuration that is a function gives it to each
  const given = (): Config => ({
    ...api,
    setup: () => undefined,
    postgres: api.postgres && { ...api.postgres, migrate: () => undefined },
  });
  expect(() => mergeConfigs([given(), given()])).not.toThrow();
});

test('each file’s setup is called once, one after the other, in order', async () => {
  const { loaded } = await packages({ api: {}, web: {} });
  const [api, web] = loaded as [Config, Config];
  const calls: string[] = [];
  const saying = (config: Config, name: string): Config => ({
    ...config,
    setup: async ({ name: cluster }) => {
      calls.push(`${name} begins in ${cluster}`);
      await new Promise(setImmediate);
      calls.push(`${name} ends`);
    },
  });
  const both = mergeConfigs([saying(api, 'api'), saying(web, 'web'), saying(api, 'api')]);
  await both.setup?.({ name: 'shop', kubeconfig: '', context: '', env: {} });
  expect(calls).toEqual(['api begins in shop', 'api ends', 'web begins in shop', 'web ends']);
});

describe('what all must agree on is refused where they do not, by key and file', () => {
  test.each([
    [{ cluster: { name: 'a' } }, { cluster: { name: 'b' } }, ['cluster.name: "a" in api, "b" in web']],
    [
      { cluster: { name: 'a' } },
      {},
      [expect.stringMatching(/^cluster\.name: "a" in api, "jk-shop-\w+" in web$/)],
    ],
    [{ keep: 'always' }, {}, ['keep: "always" in api, "never" in web']],
    [{ postgres: true }, {}, ['postgres: on in api, off in web']],
    [
      { postgres: { image: 'postgres:16', settings: { jit: true } } },
      { postgres: true },
      [
        'postgres.image: "postgres:16" in api, "postgres:17-alpine" in web',
        'postgres.settings.jit: "true" in api, nothing in web',
      ],
    ],
    [{ timeouts: { pull: { total: '1h' } } }, {}, ['timeouts.pull.total: 3600000 in api, 1800000 in web']],
    [{ mirrors: [] }, {}, ['mirrors: [] in api, ["mirror.gcr.io","public.ecr.aws/docker"] in web']],
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

test('an image that nobody asks for gives way to the same that somebody does', async () => {
  const { loaded } = await packages({ api: { images: ['postgres:17-alpine'] }, web: { manifests: [] } });
  expect(mergeConfigs(loaded).images).toEqual([
    { kind: 'pull', reference: 'postgres:17-alpine', push: undefined },
  ]);
});
