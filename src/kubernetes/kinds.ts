import { nearest } from '../support/nearest.js';
import { ApiError } from './api-error.js';
import type { Api } from './client.js';
import { discover, type ServedKind } from './discovery.js';
import type { KubernetesObject } from './objects.js';

interface Kind {
  kind: string;
  name: string;
  namespaced: boolean;
}

/** Where an API server has an object. */
export interface Place {
  path: string;
  /** Where it is created. */
  collection: string;
  /** Where all of its kind are listed, those of all namespaces. */
  everywhere: string;
  /** The plural, as rights name it. */
  resource: string;
  /** Its own, else the kubeconfig's context's; undefined for a kind that has none. */
  namespace: string | undefined;
}

/** No such kind: its definition may be on its way, made by something that runs in the cluster. */
export class NotServed extends Error {
  /** @param isElsewhere - the server has the kind, of another version or group: no other is on its way */
  constructor(
    message: string,
    readonly isElsewhere = false,
  ) {
    super(message);
  }
}

/** `/apis/apps/v1`, `/api/v1`. */
const baseOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** The path of all objects of a kind in a namespace; undefined for a kind that has none, or for those of all. */
export function collectionOf(
  { apiVersion, resource }: Pick<ServedKind, 'apiVersion' | 'resource'>,
  namespace: string | undefined,
): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${baseOf(apiVersion)}${scope}/${resource}`;
}

/** Which kinds the API server serves, and where: asked once, and again for what was not there. */
export class Kinds {
  readonly #api: Api;
  readonly #known = new Map<string, readonly Kind[]>();
  #served: readonly ServedKind[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  /** @throws NotServed where the server does not serve such objects */
  async placeOf({ apiVersion, kind, metadata }: KubernetesObject, signal?: AbortSignal): Promise<Place> {
    const { name: resource, namespaced } = await this.#find(apiVersion, kind, signal);
    const namespace = namespaced ? (metadata.namespace ?? this.#api.namespace) : undefined;
    const collection = collectionOf({ apiVersion, resource }, namespace);
    return {
      ...{ namespace, resource, collection, everywhere: collectionOf({ apiVersion, resource }, undefined) },
      path: `${collection}/${encodeURIComponent(metadata.name)}`,
    };
  }

  /** @throws NotServed where the server does not serve such objects */
  async pathOf(object: KubernetesObject, signal?: AbortSignal): Promise<string> {
    return (await this.placeOf(object, signal)).path;
  }

  /**
   * The kind that a person means: by its name (`Deployment`), its plural, its singular, or a short name (`deploy`), with
   * or without its group (`deployments.apps`, `certificates.v1.cert-manager.io`), as kubectl takes it.
   * @throws NotServed where the server has none of that name
   */
  async named(word: string, signal?: AbortSignal): Promise<ServedKind> {
    const [name = '', ...group] = word.toLowerCase().split('.');
    const suffix = group.join('.');
    const search = (): ServedKind | undefined =>
      this.#served.find(
        ({ apiVersion, kind, resource, singular, shortNames }) =>
          [kind.toLowerCase(), resource, singular, ...shortNames].includes(name) &&
          (suffix === '' || suffixesOf(apiVersion).includes(suffix)),
      );
    const known = search();
    if (known !== undefined) return known;
    this.#served = await discover(this.#api, signal);
    const found = search();
    if (found === undefined) {
      const names = this.#served.flatMap(({ kind, resource }) => [kind.toLowerCase(), resource]);
      throw new NotServed(`the cluster has no kind ‘${word}’${meant(name, names)}`);
    }
    return found;
  }

  /**
   * The kind of an object.
   * @throws NotServed where the server does not serve it, with what it serves of that name
   */
  async of(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ServedKind> {
    const known = this.#servedOf(apiVersion, kind);
    if (known !== undefined) return known;
    this.#served = await discover(this.#api, signal);
    const found = this.#servedOf(apiVersion, kind);
    if (found !== undefined) return found;
    throw notServed(apiVersion, kind, this.#served);
  }

  #servedOf(apiVersion: string, kind: string): ServedKind | undefined {
    return this.#served.find((each) => each.apiVersion === apiVersion && each.kind === kind);
  }

  async #find(apiVersion: string, kind: string, signal?: AbortSignal): Promise<Kind> {
    const base = baseOf(apiVersion);
    // subresources (deployments/scale) are of kinds of their own
    const search = (): Kind | undefined =>
      this.#known.get(base)?.find((candidate) => candidate.kind === kind && !candidate.name.includes('/'));
    const discovered = this.#servedOf(apiVersion, kind);
    if (discovered !== undefined) return { ...discovered, name: discovered.resource };
    const found = search();
    if (found !== undefined) return found;
    try {
      const { resources } = await this.#api.request<{ resources: Kind[] }>(base, { signal });
      this.#known.set(base, resources);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    const served = search();
    if (served !== undefined) return served;
    throw notServed(apiVersion, kind, await discover(this.#api, signal).catch(() => []));
  }
}

/** With the versions in which the server has that kind, if it has it at all. */
function notServed(apiVersion: string, kind: string, served: readonly ServedKind[]): NotServed {
  const versions = served.filter((each) => each.kind === kind).map((each) => each.apiVersion);
  const beside = served.filter((each) => each.apiVersion === apiVersion).map((each) => each.kind);
  const others = versions.length === 0 ? meant(kind, beside) : `; it has ${kind} of ${versions.join(', ')}`;
  return new NotServed(`the cluster serves no ${kind} of ${apiVersion}${others}`, versions.length > 0);
}

/** What a misspelt word was to be, as the rest of a sentence. */
function meant(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** How a word may name the group of a kind: with its version or without. */
function suffixesOf(apiVersion: string): string[] {
  const [group = '', version] = apiVersion.split('/');
  return version === undefined ? [group] : [group, `${version}.${group}`];
}
