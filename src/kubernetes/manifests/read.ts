import { readFile } from 'node:fs/promises';

import type { ManifestPlace } from '../../config/index.js';
import { sha256 } from '../../support/sha256.js';
import { filesOf } from './files.js';
import { hashOfChart, renderChart } from './helm.js';
import { buildKustomization } from './kustomize.js';
import { type ManifestObject, parseManifest } from './parse.js';

/** What builds manifests that are not in files. */
const programs = { kustomize: 'kubectl', helm: 'helm' } as const;

export type ManifestProgram = (typeof programs)[keyof typeof programs];

export interface ReadOptions {
  /** Finds a program that builds manifests. Default: by its name, on PATH. */
  find?: ((program: ManifestProgram) => Promise<string>) | undefined;
  /** Changes the text of each file before it is read. */
  text?: ((text: string) => string) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Manifests {
  objects: readonly ManifestObject[];
  /** Of each place's content: the same for the same objects, wherever they lie. */
  hashes: readonly string[];
}

/**
 * Reads what `manifests` names, in that order: files, folders (their `.yaml`, `.yml` and `.json` files by
 * name, not their subfolders), globs, kustomize folders, and charts. Lists are opened.
 *
 * @throws JestKubernetesError MANIFEST_INVALID, with file and line
 */
export function readManifests(
  places: readonly ManifestPlace[],
  options: ReadOptions = {},
): Promise<Manifests> {
  return new ManifestReading(places).all(options);
}

/** Manifests that are read in two steps: those in files at once, those that a program builds when there is time. */
export class ManifestReading {
  readonly #places: readonly ManifestPlace[];
  #files: Promise<ReadonlyMap<ManifestPlace, ManifestObject[]>> | undefined;

  constructor(places: readonly ManifestPlace[]) {
    this.#places = places;
  }

  /** The programs that build what is not in files. */
  get programs(): ManifestProgram[] {
    return [...new Set(this.#places.flatMap(({ kind }) => (kind === 'path' ? [] : [programs[kind]])))];
  }

  /** What is in files; of all, what is known without a program. @throws JestKubernetesError MANIFEST_INVALID */
  async files({ text }: Pick<ReadOptions, 'text'> = {}): Promise<ManifestObject[]> {
    this.#files ??= this.#readFiles(text);
    return [...(await this.#files).values()].flat();
  }

  /** @throws JestKubernetesError MANIFEST_INVALID */
  async all(options: ReadOptions = {}): Promise<Manifests> {
    await this.files(options);
    const files = await this.#files;
    const all = await Promise.all(
      this.#places.map(async (place): Promise<Built> => {
        const objects = files?.get(place);
        return objects === undefined ? build(place, options) : { objects, hash: hashOf(objects) };
      }),
    );
    return {
      objects: all.flatMap(({ objects }, place) => objects.map((each) => ({ ...each, place }))),
      hashes: all.map(({ hash }) => hash),
    };
  }

  async #readFiles(changed = (text: string) => text): Promise<Map<ManifestPlace, ManifestObject[]>> {
    const seen = new Set<string>();
    const read = new Map<ManifestPlace, ManifestObject[]>();
    for (const place of this.#places) {
      if (place.kind !== 'path') continue;
      const objects: ManifestObject[] = [];
      for (const file of await filesOf(place.path)) {
        // a glob beside its own folder names a file twice
        if (seen.has(file)) continue;
        seen.add(file);
        objects.push(...parseManifest(changed(await readFile(file, 'utf8')), file));
      }
      read.set(place, objects);
    }
    return read;
  }
}

interface Built {
  objects: readonly ManifestObject[];
  hash: string;
}

async function build(
  place: ManifestPlace,
  { find = (program) => Promise.resolve(program), text: changed = (text) => text, signal }: ReadOptions,
): Promise<Built> {
  if (place.kind === 'helm') {
    const chart = { command: await find(programs.helm), changed, signal };
    const [objects, hash] = await Promise.all([renderChart(place, chart), hashOfChart(place)]);
    return { objects, hash };
  }
  const objects = await buildKustomization(place.path, {
    command: await find(programs.kustomize),
    changed,
    signal,
  });
  return { objects, hash: hashOf(objects) };
}

const hashOf = (objects: readonly ManifestObject[]): string =>
  sha256(JSON.stringify(objects.map(({ object }) => object)));
