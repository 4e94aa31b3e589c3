import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ManifestReading, parseManifest, readManifests } from '../../../src/kubernetes/index.js';
import { inOrder } from '../../../src/kubernetes/put-in-order.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const write = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
};
const object = (kind: string, name: string): string =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const path = (name: string) => ({ kind: 'path' as const, path: join(folder, name) });

test('a folder gives its own manifests by name, a glob what it matches, and no file comes twice', async () => {
  await write('k8s/b.yml', object('ConfigMap', 'b'));
  await write(
    'k8s/a.yaml',
    `${object('ConfigMap', 'a1')}---\n# nothing here\n---\n${object('Secret', 'a2')}`,
  );
  await write('k8s/c.json', JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c' } }));
  await write('k8s/notes.md', 'not a manifest');
  await write('k8s/nested/d.yaml', object('ConfigMap', 'd'));
  const { objects } = await readManifests([path('k8s'), path('k8s/**/*.yaml')]);
  expect(objects.map((entry) => entry.object.metadata.name)).toEqual(['a1', 'a2', 'b', 'c', 'd']);
  expect(objects[1]?.origin).toBe(`${join(folder, 'k8s/a.yaml')}:7`);
});

test('a list is opened', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two' } },
    ],
  };
  const objects = parseManifest(JSON.stringify(list), '/list.json');
  expect(objects.map((entry) => entry.object.metadata.name)).toEqual(['one', 'two']);
});

test('scalars are what kubectl makes of them', () => {
  const text = `${object('Pod', 'x')}data: { mode: 0400, on: yes, port: 80:30, at: 2026-01-02T03:04:05Z, big: 1_000, oct: 0o17, text: "0400" }\n`;
  expect(parseManifest(text, 'x.yaml')[0]?.object['data']).toEqual({
    mode: 256,
    true: true,
    port: '80:30',
    at: '2026-01-02T03:04:05Z',
    big: 1000,
    oct: 15,
    text: '0400',
  });
});

test('the hash tells content, not place', async () => {
  await write('a.yaml', object('ConfigMap', 'x'));
  await write('b.yaml', `# elsewhere\n${object('ConfigMap', 'x')}`);
  await write('c.yaml', object('ConfigMap', 'z'));
  const [a, b, c] = await Promise.all(
    ['a.yaml', 'b.yaml', 'c.yaml'].map(async (name) => (await readManifests([path(name)])).hashes[0]),
  );
  expect(a).toBe(b);
  expect(a).not.toBe(c);
});

test.each([
  ['broken YAML', 'a: 1\nb: [1, 2\nc: 3\n', /x\.yaml:\d is not valid YAML/],
  ['no kind', 'apiVersion: v1\nmetadata: { name: x }\n', /x\.yaml:1 is no Kubernetes object: it has no kind/],
  [
    'no name',
    `${object('Pod', 'x')}---\napiVersion: v1\nkind: Pod\n`,
    /x\.yaml:5, document 2 .* without metadata\.name/,
  ],
  [
    'a name that YAML takes for a truth value',
    object('Pod', 'on'),
    /x\.yaml:1 .* whose metadata\.name is true, not text/,
  ],
  ['a mere text', 'hello\n', /it is not a map/],
])('%s is told with file, line and document', (_case, text, message) => {
  expect(() => parseManifest(text, 'x.yaml')).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      message: expect.stringMatching(message) as string,
    }) as Error,
  );
});

test('what matches nothing is an error, an empty folder too', async () => {
  await expect(readManifests([path('missing/*.yaml')])).rejects.toMatchObject({
    code: 'MANIFEST_INVALID',
    message: `No file matches ${join(folder, 'missing/*.yaml')}, which manifests names`,
  });
  await expect(readManifests([{ kind: 'path', path: folder }])).rejects.toThrow('There is no .yaml');
});

test('without kubectl, a kustomize folder says what to install', async () => {
  await expect(
    readManifests([{ kind: 'kustomize', path: folder }], { find: () => Promise.resolve('/no/such/kubectl') }),
  ).rejects.toMatchObject({
    code: 'MANIFEST_INVALID',
    remedy: expect.stringContaining('Install kubectl') as string,
  });
});

test('namespaces and definitions come first, webhooks last, and the rest as written', () => {
  const kinds = [
    'ValidatingWebhookConfiguration',
    'Widget',
    'Deployment',
    'Secret',
    'CustomResourceDefinition',
    'Namespace',
  ];
  const entries = kinds.map((kind) => ({
    object: { apiVersion: 'v1', kind, metadata: { name: 'x' } },
    origin: '',
  }));
  expect(inOrder(entries).map((entry) => entry.object.kind)).toEqual([
    'Namespace',
    'CustomResourceDefinition',
    'Secret',
    'Widget',
    'Deployment',
    'ValidatingWebhookConfiguration',
  ]);
});

test('webhooks come after all of their own place, and before what the next has; namespaces and definitions first of all', () => {
  const entry = (place: number, kind: string, name: string) => ({
    object: { apiVersion: 'v1', kind, metadata: { name } },
    origin: '',
    place,
  });
  const entries = [
    entry(0, 'ValidatingWebhookConfiguration', 'operator'),
    entry(0, 'APIService', 'operator'),
    entry(0, 'Deployment', 'operator'),
    entry(0, 'Widget', 'early'),
    entry(1, 'Widget', 'late'),
    entry(1, 'ConfigMap', 'late'),
    entry(1, 'CustomResourceDefinition', 'widgets'),
    entry(1, 'Namespace', 'shop'),
  ];
  const names = inOrder(entries).map(({ object: { kind, metadata } }) => `${kind} ${metadata.name}`);
  expect(names).toEqual([
    'Namespace shop',
    'CustomResourceDefinition widgets',
    'Deployment operator',
    'Widget early',
    'ValidatingWebhookConfiguration operator',
    'APIService operator',
    'ConfigMap late',
    'Widget late',
  ]);
});

test('what is in files is read before a program is asked for, and each place has a hash of its own', async () => {
  await write('a.yaml', object('ConfigMap', 'a'));
  await write('broken.yaml', 'a: [');
  const kustomization = { kind: 'kustomize' as const, path: folder };
  const asked: string[] = [];
  const find = (program: string): Promise<string> => {
    asked.push(program);
    return Promise.reject(new Error(`no ${program}`));
  };
  await expect(readManifests([kustomization, path('broken.yaml')], { find })).rejects.toThrow('broken.yaml');
  expect(asked).toEqual([]);
  await expect(readManifests([path('a.yaml'), kustomization], { find })).rejects.toThrow('no kubectl');
  const { objects, hashes } = await readManifests([path('a.yaml'), path('a.yaml')]);
  expect(objects.map(({ place }) => place)).toEqual([0]);
  expect(new Set(hashes).size).toBe(2);
});

test('the programs that will be asked for are known from the places alone', () => {
  const helm = { values: [], release: 'shop', namespace: 'default' };
  const reading = new ManifestReading([
    path('k8s'),
    { kind: 'kustomize', path: '/a' },
    { kind: 'helm', path: '/b', ...helm },
    { kind: 'kustomize', path: '/c' },
  ]);
  expect(reading.programs).toEqual(['kubectl', 'helm']);
  expect(new ManifestReading([path('k8s')]).programs).toEqual([]);
});
