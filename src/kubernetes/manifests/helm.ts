import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import type { ManifestPlace } from '../../config/index.js';
import { sha256 } from '../../support/sha256.js';
import type { KubernetesObject } from '../objects.js';
import type { BuildOptions } from './kustomize.js';
import { type ManifestObject, parseManifest } from './parse.js';
import { printedBy } from './program.js';

type Chart = Extract<ManifestPlace, { kind: 'helm' }>;

/** Of hooks those that an installation runs, before all else and after it. */
const [before, after] = ['pre-install', 'post-install'] as const;

/**
 * What a chart comes to, as `helm template` says: definitions too, and of hooks those of an installation. What names no
 * namespace goes to the release's, which is among the objects.
 * @throws JestKubernetesError MANIFEST_INVALID, with helm's own words
 */
export async function renderChart(chart: Chart, options: BuildOptions): Promise<ManifestObject[]> {
  const { path, release, namespace } = chart;
  const folder = await mkdtemp(join(tmpdir(), 'jest-kubernetes-values-'));
  try {
    const files = await Promise.all(chart.values.map((each, index) => valuesFile(each, folder, index)));
    const args = [
      ...['template', release, path, '--namespace', namespace, '--include-crds', '--skip-tests'],
      ...files.flatMap((file) => ['--values', file]),
    ];
    const printed = await printedBy('helm', options.command, args, {
      what: `${path} is a Helm chart`,
      otherwise: `render it yourself (helm template ${release} ${path}) and name the result in manifests`,
      signal: options.signal,
    });
    return inNamespace(namespace, path, inTurn(sourced(options.changed(printed), path)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function valuesFile(values: Chart['values'][number], folder: string, index: number): Promise<string> {
  if (typeof values === 'string') return values;
  const file = join(folder, `${index}.json`);
  await writeFile(file, JSON.stringify(values));
  return file;
}

/** The objects with the template of each, which helm names above it. */
function sourced(printed: string, path: string): ManifestObject[] {
  const lines = printed.split('\n');
  return parseManifest(printed, path).map(({ object, origin }) => {
    const line = Number(/:(\d+)[^:]*$/.exec(origin)?.[1] ?? 0);
    const source = lines.slice(0, line).findLast((each) => each.startsWith('# Source: '));
    // `# Source: chart/templates/web.yaml`
    const template = source?.replace(/^# Source: [^/]*\//, '').trim();
    return { object, origin: template === undefined ? path : join(path, template) };
  });
}

function inTurn(objects: readonly ManifestObject[]): ManifestObject[] {
  const annotations = ({ object }: ManifestObject): Record<string, string> =>
    object.metadata.annotations ?? {};
  const hooks = (each: ManifestObject): string[] | undefined =>
    annotations(each)
      ['helm.sh/hook']?.split(',')
      .map((hook) => hook.trim());
  const weight = (each: ManifestObject): number => Number(annotations(each)['helm.sh/hook-weight'] ?? 0);
  const of = (hook: string): ManifestObject[] =>
    objects.filter((each) => hooks(each)?.includes(hook)).sort((a, b) => weight(a) - weight(b));
  return [
    ...of(before),
    ...objects.filter((each) => hooks(each) === undefined),
    ...of(after).filter((each) => !hooks(each)?.includes(before)),
  ];
}

function inNamespace(namespace: string, path: string, objects: readonly ManifestObject[]): ManifestObject[] {
  const all = objects.map((each) => ({ ...each, namespace }));
  const isThere = objects.some(
    ({ object: { kind, metadata } }) => kind === 'Namespace' && metadata.name === namespace,
  );
  if (isThere || namespace === 'default') return all;
  const object: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  return [{ object, origin: path }, ...all];
}

/**
 * Of what a chart is made from, and not of what it comes to: a chart may come to something else each time, such as a
 * random password.
 */
export async function hashOfChart({ path, values, release, namespace }: Chart): Promise<string> {
  const files = values.filter((each) => typeof each === 'string');
  const all = [...(await filesBelow(path)), ...files];
  const contents = await Promise.all(
    all.map(async (file) => [relative(path, file), sha256(await readFile(file))] as const),
  );
  return sha256(JSON.stringify([contents, values, release, namespace]));
}

/** A chart is a folder, or an archive of one. */
async function filesBelow(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
