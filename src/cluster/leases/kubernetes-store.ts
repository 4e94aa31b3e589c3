import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type Api, ApiError, isGone, openApi, unless } from '../../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { type ClusterState, type Holder, lostState, parseState } from './state.js';
import type { StateStore } from './store.js';
import type { Change, Found } from './transitions.js';

/*
 * The state of a cluster that several machines share, in that cluster itself: Lease objects of coordination.k8s.io in
 * the kubeconfig context's namespace.
 *
 *   jest-kubernetes.<name>          the state, as an annotation; replaced under its resourceVersion
 *   jest-kubernetes.<name>.<runId>  one per run, renewed while it lives
 *
 * Whether a run lives is told by the API server's clock alone: it notes in managedFields when an object was written.
 * No machine's own clock is compared with another's.
 */

/** How long a run that does not renew its lease counts as alive, in seconds; leader election takes 15 by default. */
const leaseSeconds = 30;
const renewEvery = (leaseSeconds * 1000) / 3;
const lookEvery = 1000;

const stateAnnotation = 'jest-kubernetes/state';
const clusterLabel = 'jest-kubernetes/lease-of';

interface LeaseObject {
  metadata: {
    name: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: { time?: string }[];
  };
  spec?: object;
}

/** Where a run keeps its own kubeconfig of an existing cluster. */
export const runFolder = (stateDir: string, runId: string): string => path.join(stateDir, 'runs', runId);

export interface KubernetesStoreOptions {
  /** Absolute path of the run's folder; before the first use its `kubeconfig` must be there. */
  folder: string;
  name: string;
  runId: string;
}

export class KubernetesStore implements StateStore {
  readonly folder: string;
  readonly #options: KubernetesStoreOptions;
  readonly #objectName: string;
  #api: Api | undefined;
  #path = '';
  #state: ClusterState | undefined;
  #seen: string | undefined;
  #alive = new Set<string>();
  #heart: NodeJS.Timeout | undefined;

  constructor(options: KubernetesStoreOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.#objectName = `jest-kubernetes.${options.name}`;
  }

  async transact<Result>(change: (found: Found) => Change<Result>, signal?: AbortSignal): Promise<Result> {
    try {
      await this.#beat();
      for (;;) {
        signal?.throwIfAborted();
        const { object, found } = await this.#read();
        const { state, result } = change(found);
        if (state === found || (await this.#write(object, state))) {
          this.#state = state;
          if (!this.#takesPart(state)) await this.#stop();
          return result;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof JestKubernetesError || !(error instanceof ApiError)) throw error;
      throw new JestKubernetesError(
        'STATE_UNUSABLE',
        'The runs that share this cluster cannot be coordinated',
        {
          evidence: [`${this.#path}: ${messageOf(error)}`],
          remedy:
            'The kubeconfig’s user needs get, list, create, update and delete on leases.coordination.k8s.io there.',
          cause: error,
        },
      );
    }
  }

  /** Whether others must know that this run lives. */
  #takesPart(state: ClusterState | undefined): boolean {
    const { runId } = this.#options;
    return state !== undefined && (runId in state.leases || state.by?.runId === runId);
  }

  peek(): ClusterState | undefined {
    return this.#state;
  }

  async changed(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const before = this.#seen;
    const end = performance.now() + Math.max(timeoutMs, lookEvery);
    while (performance.now() < end && this.#seen === before) {
      await delay(lookEvery, undefined, { signal });
      await this.#read();
    }
    await this.#beat();
  }

  async close(): Promise<void> {
    if (this.#heart !== undefined) await this.#stop();
    this.#api?.[Symbol.dispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  isAlive({ runId }: Holder): boolean {
    return runId === this.#options.runId || this.#alive.has(runId);
  }

  /** Says that this run lives, and learns which others do. */
  async #beat(): Promise<void> {
    const api = this.#open();
    const { name, runId } = this.#options;
    const mine = `${this.#objectName}.${runId}`;
    const renewed = await api.request<LeaseObject>(
      `${this.#path}/${mine}?fieldManager=jest-kubernetes&force=true`,
      {
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: mine, labels: { [clusterLabel]: name } },
          spec: { holderIdentity: runId, leaseDurationSeconds: leaseSeconds, renewTime: microTime() },
        },
      },
    );
    const now = writtenAt(renewed);
    const selector = encodeURIComponent(`${clusterLabel}=${name}`);
    const { items } = await api.request<{ items: LeaseObject[] }>(`${this.#path}?labelSelector=${selector}`);
    this.#alive = new Set();
    for (const item of items) {
      const holder = item.metadata.name.slice(this.#objectName.length + 1);
      if (now - writtenAt(item) < leaseSeconds * 1000) this.#alive.add(holder);
      else await this.#delete(item.metadata.name);
    }
    this.#heart ??= setInterval(() => {
      // one that fails is made good by the next; the API server may be restarting
      this.#beat().catch(() => undefined);
    }, renewEvery).unref();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#heart);
    this.#heart = undefined;
    await this.#delete(`${this.#objectName}.${this.#options.runId}`);
  }

  async #read(): Promise<{ object: LeaseObject | undefined; found: Found }> {
    const object = await unless(
      isGone,
      this.#open().request<LeaseObject>(`${this.#path}/${this.#objectName}`),
    );
    this.#seen = object?.metadata.resourceVersion;
    const text = object?.metadata.annotations?.[stateAnnotation];
    if (object === undefined || text === undefined) return { object, found: undefined };
    const parsed = parseState(text, this.#options.name);
    const found =
      'state' in parsed ? parsed.state : lostState(this.#options.name, `its state ${parsed.wrong}`);
    this.#state = found;
    return { object, found };
  }

  /** Whether nobody else has written meanwhile. */
  async #write(before: LeaseObject | undefined, state: ClusterState | undefined): Promise<boolean> {
    const api = this.#open();
    // done and done again, it would look as if somebody else had been there first
    const once = { repeatable: false };
    const { resourceVersion } = before?.metadata ?? {};
    const path = `${this.#path}/${this.#objectName}`;
    try {
      if (state === undefined) {
        if (before === undefined) return true;
        await api.request(path, { ...once, method: 'DELETE', body: { preconditions: { resourceVersion } } });
        return true;
      }
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: this.#objectName,
          annotations: { [stateAnnotation]: JSON.stringify(state) },
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        spec: { holderIdentity: state.by?.runId ?? '' },
      };
      await (before === undefined
        ? api.request(this.#path, { method: 'POST', body })
        : api.request(path, { ...once, method: 'PUT', body }));
      return true;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return false;
      throw error;
    }
  }

  async #delete(name: string): Promise<void> {
    await unless(isGone, this.#open().request(`${this.#path}/${name}`, { method: 'DELETE' }));
  }

  #open(): Api {
    if (this.#api !== undefined) return this.#api;
    const { folder, name } = this.#options;
    const kubeconfig = path.join(folder, 'kubeconfig');
    const context = currentContext(kubeconfig);
    this.#api = openApi({ kubeconfig, context, name });
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${this.#api.namespace}/leases`;
    return this.#api;
  }
}

/** The context that a run's own kubeconfig, written as JSON, was cut down to. */
export function currentContext(kubeconfig: string): string {
  return (JSON.parse(readFileSync(kubeconfig, 'utf8')) as { 'current-context': string })['current-context'];
}

/** When the API server last wrote it, by its own clock. */
function writtenAt({ metadata }: LeaseObject): number {
  return Math.max(0, ...(metadata.managedFields ?? []).map(({ time }) => Date.parse(time ?? '') || 0));
}

/** As Kubernetes writes a MicroTime. It makes every renewal a change; nobody reads it. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
