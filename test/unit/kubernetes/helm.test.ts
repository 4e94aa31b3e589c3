import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChartFolder, configMap } from '../../chart-folder.js';

const chart = new ChartFolder();

/** What is printed by something that stands for helm, and how it was called. */
async function standIn(printed: string): Promise<{ command: string; called: () => Promise<string[]> }> {
  await chart.write('printed', printed);
  const calls = join(chart.path, 'calls');
  const command = await chart.write(
    'helm',
    `#!/bin/sh\nfor each in "$@"; do echo "$each"; done > ${calls}\nfor each in "$@"; do case $each in *.json) cat $each >> ${calls};; esac; done\ncat ${chart.path}/printed\n`,
  );
  await chmod(command, 0o755);
  await chart.write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  return { command, called: async () => (await readFile(calls, 'utf8')).trim().split('\n') };
}

describe('with a script that stands for helm', () => {
  test('it is given the release, the chart, the namespace and the values, files and others in their order', async () => {
    const { command, called } = await standIn(configMap('x'));
    const file = await chart.write('values.yaml', 'a: 1\n');
    await chart.read(command, {
      values: [file, { web: { replicas: 2 } }],
      release: 'mine',
      namespace: 'team',
    });
    const [template, release, place, ...rest] = await called();
    expect([template, release, place]).toEqual(['template', 'mine', join(chart.path, 'shop')]);
    expect(rest.join(' ')).toMatch(
      /^--namespace team --include-crds --skip-tests --values \S+\/values\.yaml --values \S+\/1\.json \{"web":\{"replicas":2\}\}$/,
    );
  });

  test('an object’s place is its template, and what helm knows as a hook of other times is left out', async () => {
    const { command } = await standIn(
      [
        `# Source: shop/templates/late.yaml\n${configMap('late', "helm.sh/hook: 'post-install,post-upgrade'")}`,
        `# Source: shop/templates/web.yaml\n${configMap('web')}`,
        `# Source: shop/templates/second.yaml\n${configMap('second', "helm.sh/hook: pre-install, helm.sh/hook-weight: '2'")}`,
        `# Source: shop/templates/first.yaml\n${configMap('first', "helm.sh/hook: pre-install, helm.sh/hook-weight: '-1'")}`,
        `# Source: shop/templates/test.yaml\n${configMap('test', 'helm.sh/hook: test')}`,
        `# Source: shop/templates/gone.yaml\n${configMap('gone', 'helm.sh/hook: pre-delete')}`,
      ].join('---\n'),
    );
    const { objects } = await chart.read(command);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['first', 'second', 'web', 'late']);
    expect(objects.map(({ origin }) => origin.slice(chart.path.length))).toEqual(
      ['first', 'second', 'web', 'late'].map((name) => `/shop/templates/${name}.yaml`),
    );
  });

  test('the namespace is among the objects, unless the chart has it, and is given to what names none', async () => {
    const own = await standIn(configMap('x'));
    const { objects } = await chart.read(own.command, { namespace: 'team' });
    expect(objects.map(({ object, namespace }) => [object.kind, object.metadata.name, namespace])).toEqual([
      ['Namespace', 'team', undefined],
      ['ConfigMap', 'x', 'team'],
    ]);
    const charts = await standIn(
      `${configMap('x')}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n`,
    );
    const kinds = (await chart.read(charts.command, { namespace: 'team' })).objects.map(
      ({ object }) => object.kind,
    );
    expect(kinds).toEqual(['ConfigMap', 'Namespace']);
  });

  test('a chart that comes to something else each time is the same work, until it or its values change', async () => {
    const { command } = await standIn(configMap('x'));
    const [first] = (await chart.read(command)).hashes;
    await chart.write('printed', configMap('another'));
    expect((await chart.read(command)).hashes).toEqual([first]);
    expect((await chart.read(command, { values: [{ a: 1 }] })).hashes).not.toEqual([first]);
    await chart.write('shop/templates/web.yaml', 'x');
    expect((await chart.read(command)).hashes).not.toEqual([first]);
  });

  test('what it says when it fails is told', async () => {
    const { command } = await standIn('');
    await writeFile(
      command,
      '#!/bin/sh\necho "Error: found in Chart.yaml, but missing in charts/: redis" >&2\nexit 1\n',
    );
    await expect(chart.read(command)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: `${join(chart.path, 'shop')} is a Helm chart, which helm cannot build`,
      evidence: ['Error: found in Chart.yaml, but missing in charts/: redis'],
    });
  });
});
