import type { CollectionTag, DocumentOptions, ParseOptions, ScalarTag, SchemaOptions } from 'yaml';

import { JestKubernetesError } from '../../support/errors.js';
import { yaml } from '../../support/native.js';
import type { KubernetesObject } from '../objects.js';

/** An object, and where a reader finds it. */
export interface ManifestObject {
  object: KubernetesObject;
  /** `/repo/k8s/api.yaml:12`, the kustomize folder, or a chart's template. */
  origin: string;
  /** Where it goes if it names no namespace, and its kind has one. Default: the context's. */
  namespace?: string;
  /** Of several places in a row, the one that it comes from: 0 is the first, and the default. */
  place?: number;
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
