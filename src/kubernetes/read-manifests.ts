import { createHash } from 'node:crypto';
import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { CollectionTag, DocumentOptions, ParseOptions, ScalarTag, SchemaOptions } from 'yaml';

import type { ManifestSource } from '../config/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { processes, yaml } from '../support/native.js';
import type { KubernetesObject } from './objects.js';

/** An object, and where a reader finds it. */
export interface ManifestObject {
  object: KubernetesObject;
  /** `/repo/k8s/api.yaml:12`, or the kustomize folder. */
  origin: string;
}

export interface ReadOptions {
  /** The command that builds kustomize folders. Default: `kubectl`. */
  kubectl?: string;
  /** Changes the text of each file before it is read. */
  text?: ((text: string) => string) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Manifests {
  objects: readonly ManifestObject[];
  /** Of the objects' content: the same for the same objects, wherever they lie. */
  hash: string;
}

/**
 * Reads what `manifests` names, in that order: files, folders (their `.yaml`, `.yml` and `.json` files by
 * name, not their subfolders), globs, and kustomize folders. Lists are opened.
 *
 * @throws JestKubernetesError MANIFEST_INVALID, with file and line
 */
export async function readManifests(
  sources: readonly ManifestSource[],
  { kubectl = 'kubectl', text: changed = (text) => text, signal }: ReadOptions = {},
): Promise<Manifests> {
  const objects: ManifestObject[] = [];
  const seen = new Set<string>();
  for (const source of sources) {
    if (source.kind === 'kustomize') {
      const text = changed(await kustomize(source.path, kubectl, signal));
      const built = parseManifest(text, source.path).map(({ object }) => ({ object, origin: source.path }));
      objects.push(...built);
      continue;
    }
    for (const file of await filesOf(source.path)) {
      // a glob beside its own folder names a file twice
      if (seen.has(file)) continue;
      seen.add(file);
      objects.push(...parseManifest(changed(await readFile(file, 'utf8')), file));
    }
  }
  const hash = createHash('sha256').update(JSON.stringify(objects.map(({ object }) => object)));
  return { objects, hash: hash.digest('hex') };
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return [path];
  const files: string[] = [];
  if (found?.isDirectory() === true) {
    const entries = await readdir(path, { withFileTypes: true });
    files.push(
      ...entries
        .filter((entry) => entry.isFile() && isManifest(entry.name))
        .map(({ name }) => join(path, name)),
    );
  } else {
    for await (const match of glob(path)) {
      if ((await stat(match)).isFile()) files.push(match);
    }
  }
  if (files.length > 0) return files.sort();
  const what = found === undefined ? 'No file matches' : 'There is no .yaml, .yml or .json file in';
  throw new JestKubernetesError('MANIFEST_INVALID', `${what} ${path}, which manifests names`, {
    remedy: 'Correct the entry in manifests, or take it out.',
  });
}

function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name);
}

/**
 * YAML as kubectl reads it (sigs.k8s.io/yaml): 1.1, in which `0400` is octal and `yes` is true, without times, which stay
 * text.
 */
const asKubectl: DocumentOptions & ParseOptions & SchemaOptions = {
  version: '1.1',
  customTags: (tags) => [...tags.filter((tag) => typeof tag === 'string' || !isTime(tag)), 'intOct'],
  merge: true,
};

const isTime = ({ tag, ...rest }: CollectionTag | ScalarTag): boolean =>
  tag === 'tag:yaml.org,2002:timestamp' || ('format' in rest && rest.format === 'TIME');

/**
 * The objects of one file's text, several documents or lists included; empty documents are skipped.
 *
 * @throws JestKubernetesError MANIFEST_INVALID, with file and line
 */
export function parseManifest(text: string, file: string): ManifestObject[] {
  const { LineCounter, parseAllDocuments } = yaml();
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, ...asKubectl });
  const objects: ManifestObject[] = [];
  if (!Array.isArray(documents)) return objects;
  const several = documents.length > 1;
  for (const [index, document] of documents.entries()) {
    const place = several ? `, document ${index + 1}` : '';
    const [problem] = document.errors;
    if (problem !== undefined) {
      const line = lines.linePos(problem.pos[0]).line;
      throw invalid(`${file}:${line}${place}`, 'is not valid YAML', problem.message.split('\n'));
    }
    const content: unknown = document.toJS();
    if (content === null || content === undefined) continue;
    // the contents' place, not the document's: comments may stand above it
    const start = document.contents?.range[0] ?? document.range[0];
    collect(content, `${file}:${lines.linePos(start).line}`, place, objects);
  }
  return objects;
}

function collect(content: unknown, origin: string, place: string, into: ManifestObject[]): void {
  const object = content as Partial<KubernetesObject>;
  const missing = missingKeys(object);
  if (missing !== undefined) throw invalid(`${origin}${place}`, `is no Kubernetes object: ${missing}`, []);
  if (Array.isArray(object['items']) && object.kind?.endsWith('List') === true) {
    for (const [index, item] of object['items'].entries()) {
      collect(item, origin, `${place}, item ${index + 1}`, into);
    }
    return;
  }
  const name: unknown = object.metadata?.name;
  if (typeof name !== 'string' || name === '') {
    const what = `is no complete Kubernetes object: ${String(object.kind)}`;
    // `name: on`, or a number
    if (typeof name === 'boolean' || typeof name === 'number')
      throw invalid(`${origin}${place}`, `${what}, whose metadata.name is ${String(name)}, not text`, [
        'YAML reads a bare y, yes, on, no, off as a truth value: put it in quotes',
      ]);
    throw invalid(`${origin}${place}`, `${what} without metadata.name`, []);
  }
  into.push({ object: object as KubernetesObject, origin });
}

function missingKeys(object: Partial<KubernetesObject>): string | undefined {
  if (typeof object !== 'object' || Array.isArray(object)) return 'it is not a map';
  const missing = (['apiVersion', 'kind'] as const).filter((key) => typeof object[key] !== 'string');
  return missing.length === 0 ? undefined : `it has no ${missing.join(' and no ')}`;
}

function invalid(where: string, what: string, evidence: readonly string[]): JestKubernetesError {
  return new JestKubernetesError('MANIFEST_INVALID', `${where} ${what}`, { evidence });
}

async function kustomize(path: string, kubectl: string, signal?: AbortSignal): Promise<string> {
  const { ExecaError, execa } = processes();
  try {
    const { stdout } = await execa(kubectl, ['kustomize', path], signal ? { cancelSignal: signal } : {});
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ExecaError && error.code === 'ENOENT') {
      throw new JestKubernetesError(
        'MANIFEST_INVALID',
        `${path} is a kustomize folder, and there is no kubectl to build it`,
        {
          remedy: `Install kubectl, or build it yourself (kustomize build ${path}) and name the result in manifests.`,
          cause: error,
        },
      );
    }
    const output = error instanceof ExecaError ? String(error.stderr).trim() : messageOf(error);
    throw new JestKubernetesError('MANIFEST_INVALID', `kubectl kustomize ${path} failed`, {
      evidence: output.split('\n').slice(-10),
      cause: error,
    });
  }
}
