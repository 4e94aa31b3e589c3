import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { loadConfig, loadRunConfig, unknownVariables } from '../../../src/config/index.js';
import { resolveNodes } from '../../../src/config/resolve-nodes.js';
import { isOff, readDotenv } from '../../../src/config/variables.js';
import { configured, project, shownOf, thrownBy } from './project.js';

describe('.env and .env.test', () => {
  test('are read beside the configuration, and .env.test wins', async () => {
    const folder = configured(
      {},
      {
        '.env': 'JEST_KUBERNETES_KEEP=always\nJEST_KUBERNETES_NAME=from-env\nSHOP=env',
        '.env.test': 'JEST_KUBERNETES_KEEP=on-failure\nSHOP="env test"',
        'packages/api/package.json': {},
      },
    );
    const env: NodeJS.ProcessEnv = {};
    const config = await loadConfig({ rootDir: path.join(folder, 'packages/api'), env });
    expect(config).toMatchObject({ keep: 'on-failure', cluster: { name: 'from-env' } });
  });

  test('tell the workers nothing of what is another program’s', async () => {
    const folder = configured(
      {},
      { '.env': 'DATABASE_URL=postgres://production\nJEST_KUBERNETES_KEEP=always' },
    );
    const env: NodeJS.ProcessEnv = {};
    await loadConfig({ rootDir: folder, env });
    expect(env).toEqual({ JEST_KUBERNETES_KEEP: 'always' });
  });

  test('come whole where the option dotenv names them: the first of several wins, and the environment over all', async () => {
    const files = { '.env.test': 'A=test\nB="test b"\nC=test', 'env/more': 'B=more\nD=more' };
    const folder = configured({ dotenv: ['.env.test', 'env/more'] }, files);
    const env: NodeJS.ProcessEnv = { C: '' };
    await loadConfig({ rootDir: folder, env });
    expect(env).toEqual({ A: 'test', B: 'test b', C: '', D: 'more' });
  });

  test('are told where such a one is not there', async () => {
    const folder = configured({ dotenv: '.env.local' });
    expect(await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).toContain(
      'dotenv: <folder>/.env.local is not there',
    );
  });

  test('never override the real environment, be it empty', () => {
    const [name, empty] = ['JEST_KUBERNETES_NAME', 'JEST_KUBERNETES_KEEP'];
    const folder = project({ '.env': `${name}=env\n${empty}=env`, '.env.test': `${name}=test` });
    const env = { [name]: 'real', [empty]: '' };
    readDotenv(folder, env);
    expect(env).toEqual({ [name]: 'real', [empty]: '' });
  });

  test('may name the configuration', async () => {
    const folder = project({ '.env': 'JEST_KUBERNETES_CONFIG=ci.json', 'ci.json': { keep: 'always' } });
    expect(await loadConfig({ rootDir: folder, env: {} })).toMatchObject({ keep: 'always' });
  });
});

describe('a variable wins over the file', () => {
  const file = {
    cluster: { provider: 'kind', name: 'file', image: 'file:1' },
    keep: 'never',
    images: ['file:1'],
  };
  const load = (variables: Record<string, string>) =>
    loadConfig({ rootDir: configured(file), env: { HOME: '/home/me', ...variables } });

  test.each([
    ['PROVIDER', 'kind', { cluster: { provider: 'kind', name: 'file' } }],
    ['NAME', 'shop', { cluster: { name: 'shop', image: 'file:1' } }],
    ['NODE_IMAGE', 'kindest/node:v1.34.0', { cluster: { image: 'kindest/node:v1.34.0', name: 'file' } }],
    ['KEEP', 'on-failure', { keep: 'on-failure' }],
    ['QUIET', '1', { quiet: true }],
    ['QUIET', 'off', { quiet: false }],
    [
      'IMAGES',
      'redis:8-alpine, registry.local:5000/shop/api:test ,',
      {
        images: [
          { kind: 'pull', reference: 'redis:8-alpine' },
          { kind: 'pull', reference: 'registry.local:5000/shop/api:test' },
        ],
      },
    ],
    ['RUNTIME', 'podman', { runtime: 'podman' }],
    ['STATE_DIR', '/var/tmp/clusters', { stateDir: '/var/tmp/clusters' }],
  ])('JEST_KUBERNETES_%s=%s', async (name, value, expected) => {
    expect(await load({ [`JEST_KUBERNETES_${name}`]: value })).toMatchObject(expected);
  });

  test.each([
    'PROVIDER',
    'NAME',
    'VERSION',
    'NODE_IMAGE',
    'NODE_IMAGES',
    'KEEP',
    'QUIET',
    'IMAGES',
    'RUNTIME',
    'STATE_DIR',
    'CONFIG',
  ])('JEST_KUBERNETES_%s that is empty counts as not set', async (name) => {
    const [empty, unset] = [await load({ [`JEST_KUBERNETES_${name}`]: '' }), await load({})];
    const { keep, quiet, images, runtime, stateDir, cluster } = unset;
    expect(empty).toMatchObject({ keep, quiet, images, runtime, stateDir, cluster });
  });

  test.each([
    ['PROVIDER', 'docker', `it is "docker", but allowed is 'kind' or 'existing'`],
    ['NAME', 'My_Shop', 'it is "My_Shop", but allowed is lower-case letters, digits, dots and hyphens'],
    ['NODE_IMAGE', '!', 'it is "!", but allowed is an image reference'],
    ['KEEP', 'yes', `it is "yes", but allowed is 'never', 'on-failure' or 'always'`],
    ['IMAGES', 'redis:8,bad image', 'it is "bad image", but allowed is an image reference'],
    ['QUIET', 'very', `it is "very", but allowed is 'on' (or 'true', '1') or 'off' (or 'false', '0')`],
    ['RUNTIME', 'rkt', `it is "rkt", but allowed is 'docker', 'podman' or 'nerdctl'`],
  ])('JEST_KUBERNETES_%s=%s is refused by the variable’s name', async (name, value, expected) => {
    const message = await shownOf(load({ [`JEST_KUBERNETES_${name}`]: value }), '<none>');
    expect(message).toContain(`\n    JEST_KUBERNETES_${name}: ${expected}`);
    expect(message.split('\n')).toHaveLength(2);
  });

  test('mistakes in the file and in variables are told at once', async () => {
    const folder = configured({ nodes: 1, keep: 'no' });
    const env = { JEST_KUBERNETES_NAME: 'A', JEST_KUBERNETES_RUNTIME: 'rkt' };
    const message = await shownOf(loadConfig({ rootDir: folder, env }), folder);
    expect(message.match(/^ {4}\S+:/gm)?.sort()).toEqual([
      '    JEST_KUBERNETES_NAME:',
      '    JEST_KUBERNETES_RUNTIME:',
      '    keep:',
      '    nodes:',
    ]);
  });

  test('another provider takes what is for the file’s provider alone out of force', async () => {
    const rootDir = configured(
      { cluster: { provider: 'kind', name: 'shop', nodes: 3, image: 'node:1' } },
      { kubeconfig: { 'current-context': 'ci' } },
    );
    const env = {
      KUBECONFIG: path.join(rootDir, 'kubeconfig'),
      JEST_KUBERNETES_PROVIDER: 'existing',
      JEST_KUBERNETES_NODE_IMAGE: 'node:2',
      JEST_KUBERNETES_ALLOW_CONTEXT: 'ci',
    };
    expect((await loadConfig({ rootDir, env })).cluster).toMatchObject({
      ...{ provider: 'existing', name: 'shop', context: 'ci' },
      nodes: resolveNodes(1, String),
      image: undefined,
    });
  });
});

describe('JEST_KUBERNETES', () => {
  test.each(['off', 'OFF', 'false', '0'])('%s switches everything off', (value) => {
    expect(isOff({ JEST_KUBERNETES: value })).toBe(true);
  });

  test.each([undefined, '', 'on', 'true', '1'])('%s does not', (value) => {
    expect(isOff({ JEST_KUBERNETES: value })).toBe(false);
  });

  test('anything else is refused', () => {
    expect(thrownBy(() => isOff({ JEST_KUBERNETES: 'Maybe' }))).toMatchObject({
      code: 'CONFIG_INVALID',
      evidence: [expect.stringMatching(/^JEST_KUBERNETES: it is "Maybe", but allowed is 'off'/)],
    });
  });
});

describe('the projects of one run', () => {
  const workspace = (files: Readonly<Record<string, unknown>>): { folder: string; rootDirs: string[] } => {
    const folder = project({ 'packages/api/package.json': {}, 'packages/web/package.json': {}, ...files });
    return { folder, rootDirs: ['api', 'web'].map((name) => path.join(folder, 'packages', name)) };
  };

  test('each read their own .env, and the workers see all of them', async () => {
    const { rootDirs } = workspace({
      'packages/api/.env': 'JEST_KUBERNETES_IMAGES=api:1\nSHOP=api\nOF_API=1',
      'packages/api/package.json': { 'jest-kubernetes': { dotenv: '.env' } },
      'packages/web/.env': 'JEST_KUBERNETES_IMAGES=web:1\nSHOP=web\nOF_WEB=1',
      'packages/web/package.json': { 'jest-kubernetes': { dotenv: '.env' } },
    });
    const env: NodeJS.ProcessEnv = {};
    expect(await loadRunConfig(rootDirs, env)).toMatchObject({
      images: [{ reference: 'api:1' }, { reference: 'web:1' }],
    });
    expect(env).toMatchObject({ SHOP: 'api', OF_API: '1', OF_WEB: '1' });
  });

  test('JEST_KUBERNETES=off in .env switches a run off, and its configuration need not be right', async () => {
    const { folder, rootDirs } = workspace({
      '.env': 'JEST_KUBERNETES=off\nSHOP=env',
      'jest-kubernetes.config.json': { keep: 'forever' },
    });
    const env: NodeJS.ProcessEnv = {};
    expect(await loadRunConfig([folder], env)).toBeUndefined();
    expect(env).toEqual({ JEST_KUBERNETES: 'off' });
    expect(await loadRunConfig(rootDirs, {})).toBeUndefined();
    await expect(loadRunConfig([folder], { JEST_KUBERNETES: 'on' })).rejects.toThrow(/is not valid/);
  });

  test('one that is off asks for nothing, and does not switch the others off', async () => {
    const { rootDirs } = workspace({
      'packages/api/.env': 'JEST_KUBERNETES=off',
      'packages/api/jest-kubernetes.config.json': { images: ['api:1'] },
      'packages/web/jest-kubernetes.config.json': { images: ['web:1'] },
    });
    const env: NodeJS.ProcessEnv = {};
    expect(await loadRunConfig(rootDirs, env)).toMatchObject({ images: [{ reference: 'web:1' }] });
    expect(env).not.toHaveProperty('JEST_KUBERNETES');
  });
});

describe('a variable that nobody knows', () => {
  test('names the nearest known one', () => {
    const env = { JEST_KUBERNETES_KEP: 'always', JEST_KUBERNETES_NODEIMAGE: 'x', JEST_KUBERNETES_IMAGE: 'x' };
    expect(unknownVariables(env)).toEqual([
      'The variable JEST_KUBERNETES_IMAGE is not known and changes nothing; did you mean JEST_KUBERNETES_IMAGES?',
      'The variable JEST_KUBERNETES_KEP is not known and changes nothing; did you mean JEST_KUBERNETES_KEEP?',
      'The variable JEST_KUBERNETES_NODEIMAGE is not known and changes nothing; did you mean JEST_KUBERNETES_NODE_IMAGE?',
    ]);
  });

  test('names all where none is near, and none that only the package sets', () => {
    const [note] = unknownVariables({ JEST_KUBERNETES_TYPO: '' });
    expect(note).toMatch(
      /^The variable JEST_KUBERNETES_TYPO is not known and changes nothing; known are JEST_/,
    );
    expect(note).not.toContain('JEST_KUBERNETES_RUN_ID');
  });

  test('is none of those that the package reads or sets, nor one of another’s', () => {
    const source = path.resolve(__dirname, '../../../src');
    const names = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) =>
        readFileSync(path.join(source, name), 'utf8').match(/\bJEST_KUBERNETES_[A-Z_]*[A-Z]\b/g),
      );
    const env = Object.fromEntries(names.map((name) => [name ?? '', 'x']));
    expect(Object.keys(env).length).toBeGreaterThan(12);
    expect(unknownVariables({ ...env, JEST_WORKER_ID: '1', JEST_KUBERNETES: 'off', PATH: '/bin' })).toEqual(
      [],
    );
  });
});
