import * as z from 'zod';

import { loadConfig } from '../../../src/config/index.js';
import { userConfigSchema } from '../../../src/config/schema.js';
import { configured, natively, project, shownOf } from './project.js';

/** The lines of evidence for a configuration that is wrong. */
async function problems(config: unknown, files: Record<string, unknown> = {}): Promise<string[]> {
  const folder = configured(config, files);
  const message = await shownOf(loadConfig({ rootDir: folder, env: {} }), folder);
  const [title, ...lines] = message.split('\n');
  expect(title).toBe('The configuration <folder>/jest-kubernetes.config.json is not valid (CONFIG_INVALID)');
  return lines.map((line) => line.trim());
}

describe('an unknown key names the nearest known one', () => {
  test.each([
    [{ manifest: [] }, 'manifest: not a known key; did you mean manifests?'],
    [{ cluster: { nmae: 'x' } }, 'cluster.nmae: not a known key; did you mean name?'],
    [{ images: [{ referense: 'a' }] }, 'images.0.referense: not a known key; did you mean reference?'],
    [{ images: ['a', { archiv: 'a' }] }, 'images.1.archiv: not a known key; did you mean archive?'],
    [
      { images: [{ build: '.', tag: 'a', dockerFile: 'x' }] },
      'images.0.dockerFile: not a known key; did you mean dockerfile?',
    ],
    [{ manifests: [{ kustomise: '.' }] }, 'manifests.0.kustomise: not a known key; did you mean kustomize?'],
    [{ postgres: { usr: 'a' } }, 'postgres.usr: not a known key; did you mean user?'],
    [
      { postgres: { resources: { limit: {} } } },
      'postgres.resources.limit: not a known key; did you mean limits?',
    ],
    [{ timeouts: { pul: {} } }, 'timeouts.pul: not a known key; did you mean pull?'],
    [{ timeouts: { import: { stal: 1 } } }, 'timeouts.import.stal: not a known key; did you mean stall?'],
  ])('%j', async (config, line) => {
    expect(await problems(config)).toEqual([line]);
  });

  test('or the place where it belongs', async () => {
    expect(await problems({ provider: 'kind', dockerfile: 'a', cluster: { keep: 'never' } })).toEqual([
      'cluster.keep: not a key of cluster; it belongs to the top level',
      'provider: not a key of the top level; it belongs to cluster',
      'dockerfile: not a key of the top level; it belongs to an entry of images',
    ]);
  });

  test('or all that are known, where none is near', async () => {
    expect(await problems({ tekton: [] })).toEqual([
      'tekton: not a known key; known are cluster, images, mirrors, manifests, postgres, services, keep, quiet, timeouts, diagnostics, dotenv, setup, eachRun',
    ]);
  });

  test('at every depth of the schema: each key is found again from its misspelling', async () => {
    const misspelt = (key: string): string => `${key}x`;
    const keys = Object.keys(userConfigSchema.shape);
    expect(await problems(Object.fromEntries(keys.map((key) => [misspelt(key), 1])))).toEqual(
      keys.map((key) => `${misspelt(key)}: not a known key; did you mean ${key}?`),
    );
    for (const [key, schema] of Object.entries(userConfigSchema.shape)) {
      const inner = schema.unwrap();
      if (!(inner instanceof z.ZodObject)) continue;
      const innerKeys = Object.keys(inner.shape);
      expect(
        await problems({ [key]: Object.fromEntries(innerKeys.map((each) => [misspelt(each), 1])) }),
      ).toEqual(innerKeys.map((each) => `${key}.${misspelt(each)}: not a known key; did you mean ${each}?`));
    }
  });
});

describe('a bad value names its key, what it was, and what is allowed', () => {
  const anImage =
    'an image reference, { reference, push }, { build, dockerfile, tag, args, target, push } or { archive }';
  test.each([
    [{ diagnostics: { tests: 'no' } }, 'diagnostics.tests: it is "no", but allowed is true or false'],
    [{ quiet: 'yes' }, 'quiet: it is "yes", but allowed is true or false'],
    [{ keep: 'sometimes' }, `keep: it is "sometimes", but allowed is 'never', 'on-failure' or 'always'`],
    [{ cluster: 'kind' }, 'cluster: it is "kind", but allowed is an object'],
    [
      { cluster: { provider: 'minikube' } },
      `cluster.provider: it is "minikube", but allowed is 'kind' or 'existing'`,
    ],
    ...[1.5, 'two'].map((nodes): [object, string] => [
      { cluster: { nodes } },
      `cluster.nodes: it is ${JSON.stringify(nodes)}, but allowed is a whole number, 1 or more, or a list such as [{ role: 'control-plane' }, { role: 'worker' }]`,
    ]),
    [{ cluster: { nodes: 0 } }, 'cluster.nodes: it is 0, but allowed is a whole number, 1 or more'],
    [
      { cluster: { nodes: [{ role: 'worker' }] } },
      "cluster.nodes: it is [ { role: 'worker' } ], but allowed is a list with one node or more of the role 'control-plane'",
    ],
    [
      { cluster: { nodes: [{}, { role: 'master' }] } },
      "cluster.nodes.1.role: it is \"master\", but allowed is 'control-plane' or 'worker'",
    ],
    [
      { cluster: { nodes: [{ labels: { 'node-role.kubernetes.io/api': 'yes' } }] } },
      'cluster.nodes.0.labels.node-role.kubernetes.io/api: it is "yes", but allowed is a key outside kubernetes.io and k8s.io, or one that a node may give itself, such as topology.kubernetes.io/zone',
    ],
    [
      { cluster: { nodes: [{ taints: ['dedicated=search:Never'] }] } },
      'cluster.nodes.0.taints.0: it is "dedicated=search:Never", but allowed is a taint such as dedicated=search:NoSchedule, or { key, value, effect }',
    ],
    [
      { cluster: { nodes: [{ mounts: [{ hostPath: 'a', containerPath: 'b' }] }] } },
      'cluster.nodes.0.mounts.0.containerPath: it is "b", but allowed is an absolute path',
    ],
    [
      { cluster: { nodes: [{ mounts: [{ hostPath: 'absent', containerPath: '/b' }] }] } },
      'cluster.nodes.0.mounts.0.hostPath: <folder>/absent is not there',
    ],
    [{ cluster: { config: 3 } }, 'cluster.config: it is 3, but allowed is a kind config, inline or by path'],
    [{ images: 'redis' }, `images: it is "redis", but allowed is a list such as ['redis:8-alpine']`],
    [{ images: [3] }, `images.0: it is 3, but allowed is ${anImage}`],
    [{ images: [{}] }, `images.0: it is {}, but allowed is ${anImage}`],
    [{ images: [null] }, `images.0: it is null, but allowed is ${anImage}`],
    [
      { images: ['my image'] },
      'images.0: it is "my image", but allowed is an image reference such as postgres:17-alpine',
    ],
    [
      { images: ['redis:8:9'] },
      'images.0: it is "redis:8:9", but allowed is an image reference such as postgres:17-alpine (“8:9” is no tag: up to 128 letters, digits, and . _ -)',
    ],
    [
      { images: [{ build: '.', tag: 'shop/API:test' }] },
      'images.0.tag: it is "shop/API:test", but allowed is an image reference such as postgres:17-alpine (the name “shop/API” must be in lower case)',
    ],
    [
      { services: ['redis@sha256:abc'] },
      'services.0: it is "redis@sha256:abc", but allowed is an image reference such as postgres:17-alpine (after @ stands a digest such as sha256:<64 hexadecimal digits>)',
    ],
    [{ images: [{ build: '.' }] }, 'images.0.tag: it is missing; needed is an image reference'],
    [
      { images: [{ reference: 'a', push: 1 }] },
      'images.0.push: it is 1, but allowed is true, false or an image reference',
    ],
    [
      { manifests: [{ helm: 'chart', values: 3 }] },
      'manifests.0.values: it is 3, but allowed is values, the path of a file of them, or a list of either',
    ],
    [
      { manifests: [{ helm: 'chart', namespace: 'My_Shop' }] },
      'manifests.0.namespace: it is "My_Shop", but allowed is lower-case letters, digits and hyphens, up to 53',
    ],
    [
      { manifests: [{ path: 'k8s', wait: 'no' }] },
      'manifests.0.wait: it is "no", but allowed is true or false',
    ],
    [
      { manifests: [3] },
      'manifests.0: it is 3, but allowed is a path, { path, wait }, { kustomize, wait } or { helm, values, release, namespace, wait }',
    ],
    [{ postgres: 'yes' }, 'postgres: it is "yes", but allowed is true, false or an object'],
    [
      { postgres: { hostPort: 99999 } },
      'postgres.hostPort: it is 99999, but allowed is a port from 0 (any free one) to 65535',
    ],
    [
      { postgres: { settings: { port: 5433 } } },
      'postgres.settings.port: it is 5433, but allowed is nothing: postgres.hostPort is the port on this machine',
    ],
    [{ postgres: { migrate: 3 } }, 'postgres.migrate: it is 3, but allowed is a command or a function'],
    [{ postgres: { password: 271828 } }, 'postgres.password: it is a number, but allowed is a string'],
    [
      { timeouts: { pull: { stall: '90' } } },
      `timeouts.pull.stall: it is "90", but allowed is a duration such as '90s' or '10m', or a number of milliseconds`,
    ],
    [
      { timeouts: { cluster: { stall: '10m', total: '1m' } } },
      `timeouts.cluster: it is { stall: '10m', total: '1m' }, but allowed is a stall limit that is not above the total`,
    ],
    [
      { mirrors: ['https://a'] },
      'mirrors.0: it is "https://a", but allowed is a registry such as mirror.gcr.io',
    ],
    [{ setup: 1 }, 'setup: it is 1, but allowed is a function, the path of a module, or a list of these'],
    [[], 'the configuration: it is [], but allowed is an object'],
  ])('%j', async (config, line) => {
    expect(await problems(config)).toEqual([line]);
  });

  test('all of them at once', async () => {
    const config = { keep: 'no', nope: 1, cluster: { nodes: 0, name: 'A' }, images: [1, 'a', 2] };
    expect((await problems(config)).map((line) => line.split(':')[0])).toEqual(
      expect.arrayContaining(['keep', 'nope', 'cluster.nodes', 'cluster.name', 'images.0', 'images.2']),
    );
  });

  test('a long one is cut', async () => {
    const [line = ''] = await problems({ keep: 'x'.repeat(5000) });
    expect(line.length).toBeLessThan(200);
  });

  test('one that JSON cannot write is shown too', async () => {
    const folder = project({
      'jest-kubernetes.config.cjs':
        'const keep = {}; keep.own = keep;\nmodule.exports = { keep, setup: 1n };',
    });
    const message = await shownOf(natively().loadConfig({ rootDir: folder, env: {} }), folder);
    expect(message).toMatch(/keep: it is <ref \*1> \{ own: \[Circular \*1\] \}, but/);
    expect(message).toMatch(/setup: it is 1n, but/);
  });

  test('in package.json, the key is named', async () => {
    const folder = project({ 'package.json': { workspaces: [], 'jest-kubernetes': { keep: 'no' } } });
    expect(await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).toMatch(
      /^The configuration "jest-kubernetes" in <folder>\/package\.json is not valid/,
    );
  });
});

describe('what does not go together is refused', () => {
  const existing = { provider: 'existing', context: 'ci', name: 'shop' };
  test.each([
    [{ cluster: { kubeconfig: '.' } }, 'cluster.kubeconfig: it is for provider'],
    [{ cluster: { context: 'ci' } }, 'cluster.context: it is for provider'],
    [{ cluster: { conflicts: 'leave' } }, 'cluster.conflicts: it is for provider'],
    [{ cluster: { ...existing, nodes: 2 } }, 'cluster.nodes: it is for provider'],
    [{ cluster: { ...existing, image: 'a' } }, 'cluster.image: it is for provider'],
    [
      { cluster: { nodes: 2, config: {} } },
      'cluster.nodes: a kind config (cluster.config) names the nodes itself',
    ],
  ])('%j', async (config, start) => {
    expect(await problems(config)).toEqual([expect.stringContaining(start)]);
  });
});

test('files and folders that are not there are told at once, before anything is made', async () => {
  const config = {
    images: [{ build: 'api', tag: 'a' }, { build: 'web', tag: 'b' }, { archive: 'redis.tar' }],
    manifests: [
      ...['k8s', 'k8s/*.yaml', { kustomize: 'overlays/test' }],
      { helm: 'charts/shop', values: ['charts/values.yaml', {}] },
    ],
    postgres: { initdb: ['db/schema.sql', 'db/seed.sql'] },
  };
  expect(await problems(config, { 'web/readme': '', 'db/seed.sql': '' })).toEqual([
    'images.0.build: <folder>/api is not there',
    'images.1.dockerfile: <folder>/web/Dockerfile is not there',
    'images.2.archive: <folder>/redis.tar is not there',
    'manifests.0: <folder>/k8s is not there',
    'manifests.2.kustomize: <folder>/overlays/test is not there',
    'manifests.3.helm: <folder>/charts/shop is not there',
    'manifests.3.values: <folder>/charts/values.yaml is not there',
    'postgres.initdb: <folder>/db/schema.sql is not there',
  ]);
  const folder = configured(config);
  await expect(loadConfig({ rootDir: folder, env: {}, pathsMustExist: false })).resolves.toMatchObject({});
});

describe('a kind config by path', () => {
  test.each([
    ['is not there', {}, '<folder>/kind.yaml'],
    ['is not valid YAML', { 'kind.yaml': 'nodes: [\nrole' }, '<folder>/kind.yaml:2: Flow sequence'],
    ['is not an object', { 'kind.yaml': '- role: worker' }, '<folder>/kind.yaml'],
  ])('that %s', async (what, files, evidence) => {
    const folder = configured({ cluster: { config: './kind.yaml' } }, files);
    const message = await shownOf(loadConfig({ rootDir: folder, env: {} }), folder);
    const [title, line, ...more] = message.split('\n');
    expect(title).toBe(`The kind config that cluster.config names ${what} (CONFIG_INVALID)`);
    expect(line).toContain(`    ${evidence}`);
    expect(more).toEqual([]);
  });
});
