import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Manifests, readManifests } from '../../../src/kubernetes/index.js';

let folder: string;
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

/** What is printed by something that stands for helm, and how it was called. */
async function standIn(printed: string): Promise<{ command: string; called: () => Promise<string[]> }> {
  await write('printed', printed);
  const calls = join(folder, 'calls');
  const command = await write(
    'helm',
    `#!/bin/sh\nfor each in "$@"; do echo "$each"; done > ${calls}\nfor each in "$@"; do case $each in *.json) cat $each >> ${calls};; esac; done\ncat ${folder}/printed\n`,
  );
  await chmod(command, 0o755);
  await write('shop/Chart.yaml', 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
  return { command, called: async () => (await readFile(calls, 'utf8')).trim().split('\n') };
}

const map = (name: string, annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${annotations === '' ? '' : `, annotations: { ${annotations} }`} }\n`;

describe('with a script that stands for helm', () => {
  test('it is given the release, the chart, the namespace and the values, files and others in their order', async () => {
    const { command, called } = await standIn(map('x'));
    const file = await write('values.yaml', 'a: 1\n');
    await read(command, { values: [file, { web: { replicas: 2 } }], release: 'mine', namespace: 'team' });
    const [template, release, chart, ...rest] = await called();
    expect([template, release, chart]).toEqual(['template', 'mine', join(folder, 'shop')]);
    expect(rest.join(' ')).toMatch(
      /^--namespace team --include-crds --skip-tests --values \S+\/values\.yaml --values \S+\/1\.json \{"web":\{"replicas":2\}\}$/,
    );
  });

  test('an object’s place is its template, and what helm knows as a hook of other times is left out', async () => {
    const { command } = await standIn(
      [
        `# Source: shop/templates/late.yaml\n${map('late', "helm.sh/hook: 'post-install,post-upgrade'")}`,
        `# Source: shop/templates/web.yaml\n${map('web')}`,
        `# Source: shop/templates/second.yaml\n${map('second', "helm.sh/hook: pre-install, helm.sh/hook-weight: '2'")}`,
        `# Source: shop/templates/first.yaml\n${map('first', "helm.sh/hook: pre-install, helm.sh/hook-weight: '-1'")}`,
        `# Source: shop/templates/test.yaml\n${map('test', 'helm.sh/hook: test')}`,
        `# Source: shop/templates/gone.yaml\n${map('gone', 'helm.sh/hook: pre-delete')}`,
      ].join('---\n'),
    );
    const { objects } = await read(command);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['first', 'second', 'web', 'late']);
    expect(objects.map(({ origin }) => origin.slice(folder.length))).toEqual(
      ['first', 'second', 'web', 'late'].map((name) => `/shop/templates/${name}.yaml`),
    );
  });

  test('the namespace is among the objects, unless the chart has it, and is given to what names none', async () => {
    const own = await standIn(map('x'));
    const { objects } = await read(own.command, { namespace: 'team' });
    expect(objects.map(({ object, namespace }) => [object.kind, object.metadata.name, namespace])).toEqual([
      ['Namespace', 'team', undefined],
      ['ConfigMap', 'x', 'team'],
    ]);
    const charts = await standIn(
      `${map('x')}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n`,
    );
    const kinds = (await read(charts.command, { namespace: 'team' })).objects.map(
      ({ object }) => object.kind,
    );
    expect(kinds).toEqual(['ConfigMap', 'Namespace']);
  });

  test('a chart that comes to something else each time is the same work, until it or its values change', async () => {
    const { command } = await standIn(map('x'));
    const [first] = (await read(command)).hashes;
    await write('printed', map('another'));
    expect((await read(command)).hashes).toEqual([first]);
    expect((await read(command, { values: [{ a: 1 }] })).hashes).not.toEqual([first]);
    await write('shop/templates/web.yaml', 'x');
    expect((await read(command)).hashes).not.toEqual([first]);
  });

  test('what it says when it fails is told', async () => {
    const { command } = await standIn('');
    await writeFile(
      command,
      '#!/bin/sh\necho "Error: found in Chart.yaml, but missing in charts/: redis" >&2\nexit 1\n',
    );
    await expect(read(command)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: `${join(folder, 'shop')} is a Helm chart, which helm cannot build`,
      evidence: ['Error: found in Chart.yaml, but missing in charts/: redis'],
    });
  });
});
