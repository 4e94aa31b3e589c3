import type { LeaseApi } from '../../../../src/cluster/leases/lease-objects.js';
import { ApiError } from '../../../../src/kubernetes/index.js';
import type { Random } from '../../../random.js';
import type { Process, World } from './world.js';

interface Stored {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    managedFields: { time: string }[];
  };
  spec: Record<string, unknown>;
}

type Body = Partial<Omit<Stored, 'metadata'>> & {
  metadata?: Partial<Stored['metadata']>;
  preconditions?: { uid?: string; resourceVersion?: string };
};
type Options = NonNullable<Parameters<LeaseApi['request']>[1]>;

/** How a server and the way to it behave. */
export interface Weather {
  /** The longest that half a round trip takes, in milliseconds. */
  delay: number;
  /** How likely a request is refused with 429, answered with 503, or its answer is lost though it was done. */
  throttled: number;
  broken: number;
  lost: number;
  /** From when to when nothing answers, in milliseconds. */
  outages: readonly (readonly [from: number, to: number])[];
}

const base = '/apis/coordination.k8s.io/v1/namespaces/ci/leases';
const conflict = (message: string) => new ApiError(409, 'Conflict', message);

/** Lease objects as Kubernetes keeps them: versions, uids, preconditions, and when each was written by its own clock. */
export class ApiServer {
  readonly objects = new Map<string, Stored>();
  #version = 0;

  constructor(
    readonly world: World,
    readonly weather: Weather,
    readonly random: Random,
  ) {}

  /** The server as one process reaches it. @param onRenewed - called when it has renewed a lease */
  of(process: Process, onRenewed: () => void): LeaseApi {
    const request = <T>(path: string, options: Options = {}): Promise<T> =>
      new Promise((resolve, reject) => {
        const { weather, world, random } = this;
        const way = () => random.between(1, weather.delay);
        const answer = (tell: () => void) => {
          world.after(way(), () => {
            process.meet(() => {
              tell();
            });
          });
        };
        const fail = (error: Error) => {
          answer(() => {
            reject(error);
          });
        };
        const cut = (code: string) => {
          fail(Object.assign(new Error(code), { code }));
        };
        world.after(way(), () => {
          // what a machine that sleeps had sent is on its way all the same
          if (weather.outages.some(([from, to]) => world.now >= from && world.now < to)) {
            cut('ECONNREFUSED');
            return;
          }
          if (random.chance(weather.throttled)) {
            fail(new ApiError(429, 'TooManyRequests', 'slow down'));
            return;
          }
          if (random.chance(weather.broken)) {
            fail(new ApiError(503, 'ServiceUnavailable', 'etcd leader changed'));
            return;
          }
          let result: T;
          try {
            result = structuredClone(this.#serve(path, options)) as T;
            if (options.method === 'PATCH') onRenewed();
          } catch (error) {
            fail(error as Error);
            return;
          }
          if (random.chance(weather.lost)) {
            cut('ECONNRESET');
            return;
          }
          answer(() => {
            resolve(result);
          });
        });
      });
    return { request, namespace: 'ci' };
  }

  #serve(path: string, { method = 'GET', body }: Options): unknown {
    const [resource = '', query = ''] = path.split('?');
    const name = resource.slice(base.length + 1);
    const sent = (body ?? {}) as Body;
    if (!resource.startsWith(base)) throw new Error(`nothing is served at ${path}`);
    if (name === '') {
      if (method === 'POST') return this.#create(sent);
      const [label = '', value] = decodeURIComponent(query.replace('labelSelector=', '')).split('=');
      return { items: [...this.objects.values()].filter((each) => each.metadata.labels[label] === value) };
    }
    const found = this.objects.get(name);
    if (found === undefined) throw new ApiError(404, 'NotFound', `leases "${name}" not found`);
    if (method === 'DELETE') {
      const { uid = found.metadata.uid, resourceVersion = found.metadata.resourceVersion } =
        sent.preconditions ?? {};
      if (uid !== found.metadata.uid || resourceVersion !== found.metadata.resourceVersion)
        throw conflict('the precondition does not hold');
      this.objects.delete(name);
      return {};
    }
    if (method === 'PUT') {
      if (sent.metadata?.resourceVersion !== found.metadata.resourceVersion)
        throw conflict('it was modified');
      found.metadata.annotations = sent.metadata.annotations ?? {};
      found.metadata.labels = sent.metadata.labels ?? {};
      found.spec = sent.spec ?? {};
      return this.#written(found);
    }
    if (method === 'PATCH') {
      Object.assign(found.spec, sent.spec);
      return this.#written(found);
    }
    return found;
  }

  #create({ metadata = {}, spec = {} }: Body): Stored {
    const { name = '', labels = {}, annotations = {} } = metadata;
    if (this.objects.has(name)) throw new ApiError(409, 'AlreadyExists', `leases "${name}" already exists`);
    const uid = `uid-${String((this.#version += 1))}`;
    const made = {
      metadata: { name, uid, resourceVersion: '', labels, annotations, managedFields: [] },
      spec,
    };
    this.objects.set(name, made);
    return this.#written(made);
  }

  #written(object: Stored): Stored {
    object.metadata.resourceVersion = String((this.#version += 1));
    // whole seconds, as there
    object.metadata.managedFields = [
      { time: new Date(Math.floor(this.world.now / 1000) * 1000).toISOString() },
    ];
    return object;
  }
}
