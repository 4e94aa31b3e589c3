import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { loadConfig } from '../../../src/config/index.js';
import { readAnew } from '../../../src/run/read-anew.js';
import { takenOver } from '../../../src/run/renewal.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'renewal-')));
  write('package.json', '{ "workspaces": [] }');
  write('k8s/a.yaml', configMap('a'));
  write('image/Dockerfile', 'FROM scratch');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

function write(name: string, content: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), content);
}
const configure = (config: object): void => {
  write('jest-kubernetes.config.json', JSON.stringify(config));
};
const env = (): NodeJS.ProcessEnv => ({ JEST_KUBERNETES_STATE_DIR: path.join(folder, 'state') });
const inputs = async (): Promise<string> => (await readAnew([folder], env())).inputs;

const whole = {
  images: [{ build: 'image', tag: 'shop:test' }],
  manifests: ['k8s'],
  postgres: { initdb: 'schema.sql' },
};

test.each([
  ['nothing', () => undefined, false],
  [
    'a test',
    () => {
      write('a.test.js', '1');
    },
    false,
  ],
  [
    'the configuration',
    () => {
      configure({ ...whole, services: ['redis:8'] });
    },
    true,
  ],
  [
    'a manifest',
    () => {
      write('k8s/a.yaml', configMap('b'));
    },
    true,
  ],
  [
    'one more manifest',
    () => {
      write('k8s/c.yaml', configMap('c'));
    },
    true,
  ],
  [
    'what an image is built from',
    () => {
      write('image/deep/main.js', '1');
    },
    true,
  ],
  [
    'what no image is built from',
    () => {
      write('image/node_modules/x/main.js', '1');
    },
    false,
  ],
  [
    'a script of the database',
    () => {
      write('schema.sql', 'CREATE TABLE b ()');
    },
    true,
  ],
  [
    'a file of variables',
    () => {
      write('.env', 'JEST_KUBERNETES_KEEP=always');
    },
    true,
  ],
])('a re-run knows that %s has changed', async (_what, change, differs) => {
  write('schema.sql', 'CREATE TABLE a ()');
  configure(whole);
  const before = await inputs();
  change();
  expect((await inputs()) !== before).toBe(differs);
});

test('a manifest that is broken is told with its line', async () => {
  configure(whole);
  write('schema.sql', '');
  write('k8s/a.yaml', 'kind: [');
  await expect(inputs()).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
});

test('variables of .env files are told, and the environment stays as it is', async () => {
  configure({ dotenv: '.env.test' });
  write('.env.test', 'A=1\nHOME=/nowhere');
  const given = { ...env(), HOME: '/home' };
  expect((await readAnew([folder], given)).added).toEqual({ A: '1' });
  expect(given).toEqual({ ...env(), HOME: '/home' });
});

describe('a cluster that runs takes over', () => {
  const load = async (config: object) => {
    configure(config);
    return loadConfig({ rootDir: folder, env: env() });
  };

  test('images, manifests, services, hooks and limits', async () => {
    const before = await load({ cluster: { name: 'shop' } });
    const now = await load({
      ...{ cluster: { name: 'shop' }, images: ['redis:8'], manifests: ['k8s'], services: ['valkey:9'] },
      ...{ postgres: true, timeouts: { pull: { total: '1m' } } },
    });
    expect(takenOver(before, now)).toEqual({ config: now, refused: [] });
  });

  test('neither nodes nor their image, nor another server of PostgreSQL: they are named, and stay', async () => {
    const before = await load({ cluster: { name: 'shop', version: '1.36' }, postgres: { database: 'a' } });
    const now = await load({
      ...{ cluster: { name: 'shop', nodes: 2, image: 'own/node:1' }, keep: 'always' },
      postgres: { database: 'b', image: 'postgres:16', settings: { jit: true } },
    });
    const { config, refused } = takenOver(before, now);
    expect(config).toMatchObject({ cluster: before.cluster, keep: 'never' });
    expect(config.postgres).toMatchObject({ database: 'b', image: 'postgres:17-alpine', settings: {} });
    expect(refused.sort()).toEqual([
      ...['cluster.image', 'cluster.nodes', 'keep', 'postgres.image', 'postgres.settings'],
    ]);
  });
});
