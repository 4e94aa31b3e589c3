import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';

import type { KubernetesObject as ClientObject } from '@kubernetes/client-node';

import {
  type KubernetesObject,
  type ManifestObject,
  parseManifest,
  readManifests,
} from '../kubernetes/index.js';
import { silent } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';
import type * as Tools from '../tools/index.js';
import { currentTestFile } from './test-file.js';

/** What can be applied: YAML or JSON as text, the path of a file, a folder or a glob, a kustomize folder, an object. */
export type Source = string | { kustomize: string } | ClientObject;

/** A test that builds nothing loads none of it. */
const loadNow = createRequire(__filename);

const isText = (source: string): boolean => /\n|^\s*\{|^\s*(?:apiVersion|kind)\s*:/.test(source);
const isGlob = (source: string): boolean => /[*?[\]{}]/.test(source);

/** The folders in which a relative path may lie: the test file's, and those above it up to its package. */
function folders(): string[] {
  const file = currentTestFile()?.path;
  if (file === undefined) return [process.cwd()];
  const above: string[] = [];
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    above.push(folder);
    if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return above;
  }
}

/** A path as a test writes it: `./x` is beside the test file, `k8s/x` beside it or in a folder above it. */
function pathOf(source: string): string {
  const places = folders();
  if (isAbsolute(source)) return source;
  if (/^\.\.?\//.test(source)) return resolve(places[0] ?? '.', source);
  const fixed = isGlob(source) ? source.slice(0, source.search(/[*?[\]{}]/)).replace(/[^/]*$/, '') : source;
  const found = places.find((folder) => existsSync(join(folder, fixed)));
  if (found !== undefined) return join(found, source);
  throw new JestKubernetesError('MANIFEST_INVALID', `There is no file, folder or text ‘${source}’ to apply`, {
    evidence: places.map((folder) => `looked in ${folder}`),
    remedy:
      'Name a file, folder or glob, absolute, or relative to the test file or a folder above it; or give the YAML itself.',
  });
}

/** What the API server writes, and takes from nobody. */
const written = ['managedFields', 'resourceVersion', 'uid', 'creationTimestamp', 'generation', 'selfLink'];

function given(source: ClientObject, origin: string): ManifestObject[] {
  // as JSON says it: dates as text, what is undefined left out
  const plain = JSON.parse(JSON.stringify(source)) as Record<string, unknown> & { metadata?: object };
  return parseManifest(JSON.stringify(plain), origin).map(({ object }) => {
    const { status: _status, ...rest } = object;
    const metadata = Object.fromEntries(
      Object.entries(object.metadata).filter(([key]) => !written.includes(key)),
    ) as unknown as KubernetesObject['metadata'];
    return { object: { ...rest, metadata }, origin };
  });
}

interface ReadOptions {
  /** Changes text before it is read. */
  text?: ((text: string) => string) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The objects of a source, in order.
 * @throws JestKubernetesError MANIFEST_INVALID, with file and line
 */
export async function objectsOf(source: Source, { text, signal }: ReadOptions): Promise<ManifestObject[]> {
  if (typeof source === 'string') {
    if (isText(source)) return parseManifest(text?.(source) ?? source, 'the text');
    const { objects } = await readManifests([{ kind: 'path', path: pathOf(source) }], { text, signal });
    return [...objects];
  }
  if (Object(source) !== source)
    throw new JestKubernetesError(
      'MANIFEST_INVALID',
      `${JSON.stringify(source)} is nothing that can be applied`,
      {
        remedy: 'Give YAML as text, a path, { kustomize }, or an object.',
      },
    );
  if ('kustomize' in source) {
    const place = { kind: 'kustomize' as const, path: pathOf(source.kustomize) };
    const { findTool } = loadNow('../tools/index.js') as typeof Tools;
    const { objects } = await readManifests([place], {
      ...{ text, signal },
      find: (program) =>
        findTool(program, {
          env: process.env,
          signal: signal ?? new AbortController().signal,
          progress: silent,
        }),
    });
    return [...objects];
  }
  return given(source, 'the object');
}
