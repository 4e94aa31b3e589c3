import { ApiError } from './api-error.js';
import type { Api } from './client.js';
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
export class NotServed extends Error {}

/** Which kinds the API server serves, and where: asked once, and again for what was not there. */
export class Kinds {
  readonly #api: Api;
  readonly #known = new Map<string, readonly Kind[]>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** @throws NotServed where the server does not serve such objects */
  async placeOf({ apiVersion, kind, metadata }: KubernetesObject, signal?: AbortSignal): Promise<Place> {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { name: resource, namespaced } = await this.#find(base, kind, signal);
    const namespace = namespaced ? (metadata.namespace ?? this.#api.namespace) : undefined;
    const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const collection = `${base}${scope}/${resource}`;
    return {
      ...{ namespace, resource, collection, everywhere: `${base}/${resource}` },
      path: `${collection}/${encodeURIComponent(metadata.name)}`,
    };
  }

  /** @throws NotServed where the server does not serve such objects */
  async pathOf(object: KubernetesObject, signal?: AbortSignal): Promise<string> {
    return (await this.placeOf(object, signal)).path;
  }

  async #find(base: string, kind: string, signal?: AbortSignal): Promise<Kind> {
    // subresources (deployments/scale) are of kinds of their own
    const search = (): Kind | undefined =>
      this.#known.get(base)?.find((candidate) => candidate.kind === kind && !candidate.name.includes('/'));
    const found = search();
    if (found !== undefined) return found;
    try {
      const { resources } = await this.#api.request<{ resources: Kind[] }>(base, { signal });
      this.#known.set(base, resources);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    const served = search();
    if (served === undefined)
      throw new NotServed(`the cluster serves no ${kind} of ${base.split('/').slice(2).join('/')}`);
    return served;
  }
}
