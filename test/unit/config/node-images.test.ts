import path from 'node:path';

import { kindRelease } from '../../../src/cluster/kind/kind-release.js';
import { loadConfig } from '../../../src/config/index.js';
import { nodeImages } from '../../../src/config/node-images.js';
import { configured, shownOf } from './project.js';

type Variables = Record<string, string>;

const load = (
  cluster: Record<string, unknown>,
  variables: Variables = {},
  files: Variables = {},
  more: Variables = {},
) => {
  const env = Object.entries(variables).map(([name, value]) => [`JEST_KUBERNETES_${name}`, value]);
  return loadConfig({
    rootDir: configured({ cluster }, files),
    env: { HOME: '/home/me', ...more, ...(Object.fromEntries(env) as Variables) },
  });
};
const imageOf = async (...of: Parameters<typeof load>) => (await load(...of)).cluster.image;

// which cluster it is must be said
const existing = { provider: 'existing', context: 'ci', name: 'shop' };

/** The lines of evidence for what is wrong. */
const refused = async (cluster: Record<string, unknown>, variables: Variables = {}): Promise<string[]> => {
  const message = await shownOf(load(cluster, variables), '<none>');
  const [title, ...lines] = message.split('\n');
  expect(title).toMatch(/^The configuration \S+ is not valid \(CONFIG_INVALID\)$/);
  return lines.map((line) => line.trim());
};

const pinned = Object.fromEntries(
  nodeImages.releases.map(({ version, digest }) => [version, `kindest/node:v${version}@${digest}`]),
);

describe('the table', () => {
  test('is that of the kind release that is downloaded', () => {
    expect(nodeImages.kindRelease).toBe(kindRelease.version);
  });

  test('has one image for each minor, pinned, the newest first', () => {
    const minors = nodeImages.releases.map(({ version }) => Number(/^1\.(\d+)\.\d+$/.exec(version)?.[1]));
    expect(minors).toEqual([...new Set(minors)].sort((a, b) => b - a));
    for (const { digest } of nodeImages.releases) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(new Set(nodeImages.releases.map(({ digest }) => digest)).size).toBe(minors.length);
  });
});

describe('a version becomes the node image', () => {
  test.each([
    ['1.37', pinned['1.37.0']],
    ['1.36', pinned['1.36.4']],
    ['1.34', pinned['1.34.11']],
    ['v1.36', pinned['1.36.4']],
    ['1.36.4', pinned['1.36.4']],
    ['v1.36.4', pinned['1.36.4']],
    ['1.36.3', 'kindest/node:v1.36.3'],
    ['v1.36.3', 'kindest/node:v1.36.3'],
    // neither of these minors is in the table
    ['1.33.4', 'kindest/node:v1.33.4'],
    ['1.38.0', 'kindest/node:v1.38.0'],
  ])('%s is %s', async (version, image) => {
    expect(image).toBeDefined();
    expect(await imageOf({ version })).toBe(image);
    expect(await imageOf({}, { VERSION: version })).toBe(image);
  });

  test('none of both is left to kind', async () => {
    expect(await imageOf({})).toBeUndefined();
  });
});

describe('the image wins over the version, and a variable over the file', () => {
  test.each([
    [{ version: '1.36', image: 'own:1' }, {}, 'own:1'],
    [{ version: '1.36' }, { NODE_IMAGE: 'own:2' }, 'own:2'],
    [{ version: '1.36' }, { VERSION: '1.35' }, pinned['1.35.8']],
    [{ image: 'own:1' }, { VERSION: '1.35' }, pinned['1.35.8']],
    [{ image: 'own:1' }, { VERSION: '1.35', NODE_IMAGE: 'own:2' }, 'own:2'],
  ])('%j with %j', async (cluster, variables: Variables, image) => {
    expect(await imageOf(cluster, variables)).toBe(image);
  });
});

describe('what is no version to be had is refused', () => {
  const minors = '1.37, 1.36, 1.35, 1.34';
  const tooOld = 'Kubernetes 1.33 or later: older ones are not supported';
  test.each([
    ['1.38', `one of ${minors}, or an exact version such as '1.37.0'`],
    ['1.33', `one of ${minors}, or an exact version such as '1.37.0'`],
    ['2.0', `one of ${minors}, or an exact version such as '1.37.0'`],
    ['1.32', tooOld],
    ['v1.20.2', tooOld],
    ['0.40.0', tooOld],
    ['latest', `a Kubernetes version such as '1.36', or exactly '1.36.4'`],
    ['1.036', `a Kubernetes version such as '1.36', or exactly '1.36.4'`],
    ['1.36.4-rc.0', `a Kubernetes version such as '1.36', or exactly '1.36.4'`],
    ['1', `a Kubernetes version such as '1.36', or exactly '1.36.4'`],
  ])('%s', async (version, allowed) => {
    const line = `it is "${version}", but allowed is ${allowed}`;
    expect(await refused({ version })).toEqual([`cluster.version: ${line}`]);
    expect(await refused({}, { VERSION: version })).toEqual([`JEST_KUBERNETES_VERSION: ${line}`]);
  });

  test('a number, of which the end may be lost, is to be a string', async () => {
    expect(await refused({ version: 1.36 })).toEqual([
      "cluster.version: it is 1.36, but allowed is a string, in quotes, such as '1.36' or '1.36.4'",
    ]);
  });

  test.each([
    'kindest/node:v1.32.11',
    'kindest/node:v1.20.2@sha256:0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e',
    'docker.io/kindest/node:v1.30.0',
    'registry.example:5000/mirror/kindest/node:1.32',
  ])('the image %s tells that it is too old', async (image) => {
    const line = `it is "${image}", but allowed is a node image of ${tooOld}`;
    expect(await refused({ image })).toEqual([`cluster.image: ${line}`]);
    expect(await refused({}, { NODE_IMAGE: image })).toEqual([`JEST_KUBERNETES_NODE_IMAGE: ${line}`]);
  });

  test.each([
    'kindest/node:v1.33.0',
    'kindest/node:v1.37.2',
    'kindest/node:latest',
    'kindest/node@sha256:0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e0f2c5d3e',
    'my-kindest/node:v1.20.2',
    'shop/node:1.2.3',
  ])('the image %s does not', async (image) => {
    expect(await imageOf({ image })).toBe(image);
  });

  test('for a cluster that is there already', async () => {
    expect(await refused({ ...existing, version: '1.36' })).toEqual([
      "cluster.version: it is for provider 'kind' only, and the provider is 'existing'",
    ]);
  });
});

test('what the environment, or another provider’s file, says of a version does not touch a cluster that is there', async () => {
  const variables = { VERSION: '1.36', NODE_IMAGES: 'registry.example/kindest/node' };
  expect(await imageOf(existing, variables)).toBeUndefined();
  const folder = configured({}, { 'ci.kubeconfig': JSON.stringify({ 'current-context': 'ci' }) });
  const KUBECONFIG = path.join(folder, 'ci.kubeconfig');
  const others = { ...variables, PROVIDER: 'existing', ALLOW_CONTEXT: 'ci' };
  expect(await imageOf({ version: '1.35', name: 'shop' }, others, {}, { KUBECONFIG })).toBeUndefined();
});

describe('a mirror of one’s own', () => {
  const NODE_IMAGES = 'registry.example:5000/kindest/node';
  test.each([
    ['the default, by tag', {}, {}, `${NODE_IMAGES}:v1.37.0`],
    ['a minor', { version: '1.36' }, {}, `${NODE_IMAGES}:v1.36.4`],
    ['an exact version', { version: 'v1.36.3' }, {}, `${NODE_IMAGES}:v1.36.3`],
    ['the variable’s version', {}, { VERSION: '1.35' }, `${NODE_IMAGES}:v1.35.8`],
    ['but no image that is named whole', { image: 'own:1' }, {}, 'own:1'],
    ['nor the variable’s', {}, { NODE_IMAGE: 'own:2' }, 'own:2'],
    [
      'nor, without a version, those of a kind config',
      { config: { nodes: [null, { image: 'own:3' }] } },
      {},
      undefined,
    ],
    ['but those of one that names none', { config: { nodes: [{}] } }, {}, `${NODE_IMAGES}:v1.37.0`],
  ])('has %s', async (_, cluster, variables, image) => {
    expect(await imageOf(cluster, { NODE_IMAGES, ...variables })).toBe(image);
  });

  test.each(['registry.example/kindest/node:v1.36.4', 'https://registry.example/node', 'node'])(
    '%s is none',
    async (mirror) => {
      expect(await refused({}, { NODE_IMAGES: mirror })).toEqual([
        `JEST_KUBERNETES_NODE_IMAGES: it is "${mirror}", but allowed is a repository such as registry.example/kindest/node, without a tag`,
      ]);
    },
  );
});
