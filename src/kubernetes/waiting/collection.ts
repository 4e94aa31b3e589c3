import { setTimeout as delay } from 'node:timers/promises';

import { messageOf } from '../../support/errors.js';
import { ApiError } from '../api-error.js';
import type { Api } from '../client.js';
import type { KubernetesObject } from '../objects.js';

/** After a watch that broke, in milliseconds. */
const rest = 500;

const keyOf = ({ metadata: { namespace = '', name } }: KubernetesObject): string => `${namespace}/${name}`;

/** Of one server they are numbers that grow (Kubernetes 1.35 says so; etcd's always were). */
const isNewer = (version: string | undefined, than: string | undefined): boolean => {
  const [a, b] = [version, than].map((each) => (/^\d+$/.test(each ?? '') ? BigInt(each ?? '') : undefined));
  return a === undefined || b === undefined || a > b;
};

interface List {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string };
  items: KubernetesObject[];
}

/**
 * All objects of a kind in a place (a namespace, or the cluster), kept up to date by one watch for as many as ask: it
 * begins with the first `refresh`, and ends with `close`.
 */
export class Collection {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #listeners = new Set<() => void>();
  readonly #closed = new AbortController();
  #listedAt: string | undefined;
  #isWatching = false;
  #trouble: string | undefined;

  /** @param path - such as `/apis/apps/v1/namespaces/shop/deployments` */
  constructor(
    readonly api: Api,
    readonly path: string,
  ) {}

  /** What keeps it from being up to date, in words; undefined where nothing does. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get objects(): KubernetesObject[] {
    return [...this.#objects.values()];
  }

  /**
   * Reads all of it now, so that what was changed before is seen; then watches.
   * @throws ApiError where it may not be listed; as `Api.request` does
   */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#list(signal);
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#watch();
  }

  /** @returns what ends the listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed.abort(new Error(`the watch of ${this.path} has ended`));
    this.#listeners.clear();
  }

  async #list(signal: AbortSignal | undefined): Promise<void> {
    const { apiVersion, kind, metadata, items } = await this.api.request<List>(this.path, { signal });
    if (!isNewer(metadata.resourceVersion, this.#listedAt)) return;
    this.#listedAt = metadata.resourceVersion;
    this.#objects.clear();
    // the items of a list have no kind of their own
    const own = { apiVersion, kind: kind.replace(/List$/, '') };
    for (const item of items) this.#objects.set(keyOf(item), { ...own, ...item });
    this.#changed();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closed;
    let resourceVersion = this.#listedAt;
    while (!signal.aborted) {
      try {
        for await (const event of this.api.watch<KubernetesObject>(this.path, { resourceVersion, signal })) {
          resourceVersion = event.object.metadata.resourceVersion;
          this.#trouble = undefined;
          if (event.type !== 'BOOKMARK' && isNewer(resourceVersion, this.#listedAt)) this.#take(event);
        }
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        this.#trouble = messageOf(error);
        this.#changed();
        await delay(rest, undefined, { signal }).catch(() => undefined);
        if (error instanceof ApiError) {
          // too old to go on from: all is read anew
          await this.#list(signal).catch(() => undefined);
          resourceVersion = this.#listedAt;
        }
      }
    }
  }

  #take({ type, object }: { type: string; object: KubernetesObject }): void {
    if (type === 'DELETED') this.#objects.delete(keyOf(object));
    else this.#objects.set(keyOf(object), object);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
