import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { findOnPath } from '../../../src/runtime/index.js';
import { ChartFolder, configMap } from '../../chart-folder.js';

/* Charts by the real helm: that of this machine, or, on Debian and as root, the rig's. */

let helm: string;
const chart = new ChartFolder();
beforeAll(() => {
  const rig = (): string =>
    spawnSync(join(__dirname, '../../rig/helm.sh'), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).stdout.trim();
  helm = findOnPath('helm') ?? rig();
  if (helm === '') throw new Error('There is no helm on this machine, and charts are tested with a real one');
}, 600_000);
test('a chart is rendered with its values and definitions, without its tests', async () => {
  await chart.write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  await chart.write('shop/values.yaml', 'colour: blue\nsize: 1\nshape: round\n');
  await chart.write(
    'shop/crds/widget.yaml',
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: widgets.shop.test }\n',
  );
  await chart.write(
    'shop/templates/map.yaml',
    `${configMap('{{ .Release.Name }}')}data: { colour: {{ .Values.colour }}, size: "{{ .Values.size }}", shape: {{ .Values.shape }}, namespace: {{ .Release.Namespace }} }\n`,
  );
  await chart.write('shop/templates/tests/try.yaml', configMap('try', 'helm.sh/hook: test'));
  const file = await chart.write('values.yaml', 'colour: red\nsize: 2\n');
  const { objects } = await chart.read(helm, { values: [file, { size: 3 }], namespace: 'team' });
  expect(
    objects.map(({ object, origin }) => [object.kind, object.metadata.name, origin.slice(chart.path.length)]),
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
  await chart.write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  await chart.write('shop/templates/map.yaml', '{{ .Values.a.b.c }}');
  await expect(chart.read(helm)).rejects.toMatchObject({
    evidence: expect.arrayContaining([
      expect.stringMatching(/templates\/map\.yaml:1.*nil pointer/),
    ]) as string[],
  });
});
