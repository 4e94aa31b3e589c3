import { type Api, ApiError, isGone, unless } from '../../kubernetes/index.js';

/*
 * The objects by which the runs of several machines share a cluster: Leases of coordination.k8s.io in the namespace of
 * the kubeconfig's context.
 *
 *   jest-kubernetes.<name>          the state, as an annotation; replaced under its resourceVersion
 *   jest-kubernetes.<name>.<runId>  one per run, renewed while it lives
 *
 * Whether a run lives is told by the API server's clock alone: it notes in managedFields when an object was written.
 * No machine's own clock is compared with another's.
 */

/** How long a run that does not renew its lease counts as alive, in seconds; leader election takes 15 by default. */
export const leaseSeconds = 30;

const annotations = { state: 'jest-kubernetes/state', write: 'jest-kubernetes/write' };
const labels = { leaseOf: 'jest-kubernetes/lease-of', owner: 'jest-kubernetes/owner' };

interface LeaseObject {
  metadata: {
    name: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: { time?: string }[];
  };
  spec?: object;
}

/** The state's object as it was read. */
export interface StateObject {
  resourceVersion: string;
  /** Undefined where somebody took it away. */
  text: string | undefined;
  /** Which write made it so. */
  write: string | undefined;
  /** Of the cluster's life, where even its text was lost. */
  id: string;
}

/** A run's object as it was listed. */
export interface RunObject {
  runId: string;
  /** When the API server last wrote it, by its own clock; in milliseconds. */
  writtenAt: number;
  uid: string | undefined;
  resourceVersion: string | undefined;
}

/** What is asked of an API server here. */
export type LeaseApi = Pick<Api, 'request' | 'namespace'>;

/** One cluster's Lease objects. Every call throws what `Api.request` does. */
export class LeaseObjects {
  /** Of the collection, for a reader too. */
  readonly path: string;
  readonly #api: LeaseApi;
  readonly #name: string;
  readonly #objectName: string;

  constructor(api: LeaseApi, name: string) {
    this.#api = api;
    this.#name = name;
    this.#objectName = `jest-kubernetes.${name}`;
    this.path = `/apis/coordination.k8s.io/v1/namespaces/${api.namespace}/leases`;
  }

  async readState(): Promise<StateObject | undefined> {
    const object = await unless(isGone, this.#api.request<LeaseObject>(`${this.path}/${this.#objectName}`));
    if (object === undefined) return undefined;
    const { resourceVersion = '', annotations: notes = {}, labels: marks = {} } = object.metadata;
    return {
      resourceVersion,
      text: notes[annotations.state],
      write: notes[annotations.write],
      id: marks[labels.owner] ?? '',
    };
  }

  /**
   * Puts a state in the place of what was read, or makes the first one.
   * @param write - a word of this write alone, by which it is found again
   * @returns whether nobody else has written meanwhile
   */
  writeState(
    before: StateObject | undefined,
    { text, id, holder, write }: { text: string; id: string; holder: string; write: string },
  ): Promise<boolean> {
    const body = this.#lease(this.#objectName, holder, {
      annotations: { [annotations.state]: text, [annotations.write]: write },
      labels: { [labels.owner]: id },
      ...(before === undefined ? {} : { resourceVersion: before.resourceVersion }),
    });
    return unlessOvertaken(
      before === undefined
        ? this.#api.request(this.path, { method: 'POST', body })
        : this.#api.request(`${this.path}/${this.#objectName}`, { ...once, method: 'PUT', body }),
    );
  }

  /** @returns whether nobody else has written meanwhile */
  deleteState({ resourceVersion }: StateObject): Promise<boolean> {
    const body = { preconditions: { resourceVersion } };
    return unlessOvertaken(
      this.#api.request(`${this.path}/${this.#objectName}`, { ...once, method: 'DELETE', body }),
    );
  }

  /** Makes a run's lease; one that is there already will do. */
  async createRun(runId: string): Promise<void> {
    const body = this.#lease(this.#run(runId), runId, { labels: { [labels.leaseOf]: this.#name } });
    const exists = (status: number) => status === 409;
    await unless(exists, this.#api.request(this.path, { method: 'POST', body }));
  }

  /**
   * Says that a run lives. It does not make a lease that is gone anew: its run was taken for dead.
   * @returns when that was, by the API server's clock, in milliseconds; undefined where the lease is gone
   */
  async renewRun(runId: string, { limit }: { limit?: number | undefined } = {}): Promise<number | undefined> {
    // microseconds, as Kubernetes writes them. It makes every renewal a change; nobody reads it
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const renewed = await unless(
      isGone,
      this.#api.request<LeaseObject>(`${this.path}/${this.#run(runId)}?fieldManager=jest-kubernetes`, {
        method: 'PATCH',
        contentType: 'application/merge-patch+json',
        body: { spec: { renewTime } },
        limit,
      }),
    );
    return renewed === undefined ? undefined : writtenAt(renewed);
  }

  async listRuns(): Promise<RunObject[]> {
    const selector = encodeURIComponent(`${labels.leaseOf}=${this.#name}`);
    const { items } = await this.#api.request<{ items: LeaseObject[] }>(
      `${this.path}?labelSelector=${selector}`,
    );
    return items.map((item) => ({
      runId: item.metadata.name.slice(this.#objectName.length + 1),
      writtenAt: writtenAt(item),
      uid: item.metadata.uid,
      resourceVersion: item.metadata.resourceVersion,
    }));
  }

  /** Takes away a run's lease that has not been renewed since it was listed. @returns whether it is gone */
  bury({ runId, uid, resourceVersion }: RunObject): Promise<boolean> {
    return unlessOvertaken(
      unless(
        isGone,
        this.#api.request(`${this.path}/${this.#run(runId)}`, {
          ...once,
          method: 'DELETE',
          body: { preconditions: { uid, resourceVersion } },
        }),
      ),
    );
  }

  async deleteRun(runId: string): Promise<void> {
    await unless(isGone, this.#api.request(`${this.path}/${this.#run(runId)}`, { method: 'DELETE' }));
  }

  readonly #run = (runId: string): string => `${this.#objectName}.${runId}`;

  readonly #lease = (name: string, holderIdentity: string, metadata: object): object => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...metadata },
    spec: { holderIdentity, leaseDurationSeconds: leaseSeconds },
  });
}

/** Done and done again, it would look as if somebody else had been there first. */
const once = { repeatable: false };

async function unlessOvertaken(written: Promise<unknown>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return false;
    throw error;
  }
}

/** When the API server last wrote it, by its own clock. */
function writtenAt({ metadata }: LeaseObject): number {
  return Math.max(0, ...(metadata.managedFields ?? []).map(({ time }) => Date.parse(time ?? '') || 0));
}
