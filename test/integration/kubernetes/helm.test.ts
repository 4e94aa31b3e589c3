import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Manifests, readManifests } from '../../../src/kubernetes/index.js';
import { findOnPath } from '../../../src/runtime/index.js';

/* Charts by the real helm: that of this machine, or, on Debian and as root, the rig's. */

let helm: string;
let folder: string;
beforeAll(() => {
  const rig = (): string =>
    spawnSync(join(__dirname, '../../rig/helm.sh'), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).stdout.trim();
  helm = findOnPath('helm') ?? rig();
  if (helm === '') throw new Error('There is no helm on this machine, and charts are tested with a real one');
}, 600_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chart-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

interface Release {
  values?: (string | Record<string, unknown>)[];
  release?: string;
  namespace?: string;
}

const read = (
  command: string,
  { values = [], release = 'shop', namespace = 'default' }: Release = {},
): Promise<Manifests> =>
  readManifests([{ kind: 'helm', path: join(folder, 'shop'), values, release, namespace }], {
    find: () => Promise.resolve(command),
  });

const map = (name: string, annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${annotations === '' ? '' : `, annotations: { ${annotations} }`} }\n`;

test('a chart is rendered with its values and definitions, without its tests', async () => {
  await write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  await write('shop/values.yaml', 'colour: blue\nsize: 1\nshape: round\n');
  await write(
    'shop/crds/widget.yaml',
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: widgets.shop.test }\n',
  );
  await write(
    'shop/templates/map.yaml',
    `${map('{{ .Release.Name }}')}data: { colour: {{ .Values.colour }}, size: "{{ .Values.size }}", shape: {{ .Values.shape }}, namespace: {{ .Release.Namespace }} }\n`,
  );
  await write('shop/templates/tests/try.yaml', map('try', 'helm.sh/hook: test'));
  const file = await write('values.yaml', 'colour: red\nsize: 2\n');
  const { objects } = await read(helm, { values: [file, { size: 3 }], namespace: 'team' });
  expect(
    objects.map(({ object, origin }) => [object.kind, object.metadata.name, origin.slice(folder.length)]),
  ).toEqual([
    ['Namespace', 'team', '/shop'],
    ['CustomResourceDefinition', 'widgets.shop.test', '/shop/crds/widget.yaml'],
    ['ConfigMap', 'shop', '/shop/templates/map.yaml'],
  ]);
  expect(objects[2]?.object['data']).toEqual({
    colour: 'red',
    size: '3',
    shape: 'round',
    namespace: 'team',
  });
});

test('its own words are told where a template is wrong', async () => {
  await write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  await write('shop/templates/map.yaml', '{{ .Values.a.b.c }}');
  await expect(read(helm)).rejects.toMatchObject({
    evidence: expect.arrayContaining([
      expect.stringMatching(/templates\/map\.yaml:1.*nil pointer/),
    ]) as string[],
  });
});
