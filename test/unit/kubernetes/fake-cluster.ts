import type { ClusterAccess, KubernetesObject } from '../../../src/kubernetes/index.js';
import { type Answer, type Asked, fakeServer, json, refusal } from './api-server.js';
import { FieldOwners, leaves, merge, without } from './field-owners.js';

/*
 * An API server that has objects: creation, server-side apply (dry runs, and conflicts of its managers, too), deletion
 * under preconditions, lists by label. No controller works in it: what is deleted is gone at once, but what has finalizers.
 */

interface Kind {
  apiVersion: string;
  kind: string;
  resource: string;
  namespaced: boolean;
}

const usual: readonly Kind[] = [
  { apiVersion: 'v1', kind: 'Namespace', resource: 'namespaces', namespaced: false },
  { apiVersion: 'v1', kind: 'ConfigMap', resource: 'configmaps', namespaced: true },
  { apiVersion: 'v1', kind: 'Secret', resource: 'secrets', namespaced: true },
  { apiVersion: 'v1', kind: 'Service', resource: 'services', namespaced: true },
  { apiVersion: 'v1', kind: 'ServiceAccount', resource: 'serviceaccounts', namespaced: true },
  { apiVersion: 'v1', kind: 'Endpoints', resource: 'endpoints', namespaced: true },
  { apiVersion: 'v1', kind: 'Pod', resource: 'pods', namespaced: true },
  {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
    ...{ resource: 'persistentvolumeclaims', namespaced: true },
  },
  { apiVersion: 'v1', kind: 'Event', resource: 'events', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets', namespaced: true },
  {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    ...{ resource: 'endpointslices', namespaced: true },
  },
];

export interface FakeCluster extends AsyncDisposable {
  readonly access: ClusterAccess;
  /** Every request, as `DELETE /api/v1/namespaces/shop`. */
  readonly asked: readonly string[];
  /** What is there, as `Namespace shop`, in order. */
  names(): string[];
  /** As it is there, without a copy being made. @throws where it is not */
  get(name: string): KubernetesObject;
  /** Puts an object there as another would. */
  put(object: KubernetesObject, manager?: string): KubernetesObject;
  /** As another's deletion, and whatever it does to the same place. */
  drop(name: string): void;
  /** From now on it has objects of this kind. */
  serve(kind: Kind): void;
  /** Requests that are refused with 403. */
  forbidden: (request: string) => boolean;
  /** Called before a request is answered: what happens meanwhile. */
  meanwhile: (request: string) => void;
}

/** @param namespace - of the kubeconfig's context */
export async function fakeCluster(namespace?: string): Promise<FakeCluster> {
  const served = [...usual];
  const objects = new Map<string, KubernetesObject>();
  const owners = new FieldOwners();
  let counter = 0;
  const next = (): string => String((counter += 1));

  const pathOf = ({ apiVersion, kind, metadata }: KubernetesObject): string => {
    const found = served.find((each) => each.apiVersion === apiVersion && each.kind === kind);
    if (found === undefined) throw new Error(`no ${kind}`);
    const scope = found.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${baseOf(apiVersion)}${scope}/${found.resource}/${metadata.name}`;
  };
  const nameOf = ({ kind, metadata: { namespace: where, name } }: KubernetesObject): string =>
    `${kind} ${where === undefined ? '' : `${where}/`}${name}`;
  const find = (name: string): [string, KubernetesObject] => {
    const found = [...objects].find(([, object]) => nameOf(object) === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  const store = (path: string, object: KubernetesObject, manager: string): KubernetesObject => {
    const before = objects.get(path);
    owners.write(path, object, manager);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? `uid-${next()}`,
      resourceVersion: next(),
      managedFields: owners.managers(path).map((each) => ({ manager: each })),
    };
    const stored: KubernetesObject = { ...object, metadata };
    if (object.kind === 'Secret' && object['stringData'] !== undefined) {
      const texts = Object.entries(object['stringData'] as Record<string, string>);
      stored['data'] = Object.fromEntries(
        texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      );
      delete stored['stringData'];
    }
    objects.set(path, stored);
    return stored;
  };
  const remove = (path: string): void => {
    objects.delete(path);
    owners.forget(path);
    const inside = /^\/api\/v1\/namespaces\/[^/]+$/.test(path) ? path.slice('/api/v1'.length) : undefined;
    if (inside === undefined) return;
    for (const each of objects.keys()) if (each.includes(`${inside}/`)) objects.delete(each);
  };

  const apply = (path: string, query: URLSearchParams, body: KubernetesObject): Answer => {
    const present = objects.get(path);
    const manager = query.get('fieldManager') ?? '';
    const there = present === undefined ? new Map<string, unknown>() : leaves(present);
    const causes = [...leaves(body)]
      .filter(([field, value]) => there.has(field) && there.get(field) !== value)
      .map(([field]) => ({ field, by: owners.managerOf(path, field) }))
      .filter(({ by }) => by !== manager)
      .map(({ field, by }) => ({
        ...{ reason: 'FieldManagerConflict', field, message: `conflict with "${by}" using v1` },
      }));
    if (causes.length > 0 && query.get('force') !== 'true')
      return refusal(409, { reason: 'Conflict', details: { causes } });
    const { uid } = body.metadata;
    if (uid !== undefined && uid !== present?.metadata.uid) return refusal(409, { reason: 'Conflict' });
    const givenUp = owners.givenUp(path, body, manager);
    const merged = merge(without(present ?? {}, givenUp), body) as KubernetesObject;
    if (query.get('dryRun') === 'All') return json(merged);
    owners.apply(path, body, manager, givenUp);
    return json(store(path, merged, manager));
  };
  const destroy = (path: string, body: string): Answer => {
    const present = objects.get(path);
    if (present === undefined) return refusal(404, { reason: 'NotFound' });
    const { preconditions = {} } = (body === '' ? {} : JSON.parse(body)) as { preconditions?: object };
    const { metadata } = present;
    const isOther = Object.entries(preconditions).some(
      ([key, value]) => value !== metadata[key as 'uid' | 'resourceVersion'],
    );
    if (isOther) return refusal(409, { reason: 'Conflict' });
    if ((metadata.finalizers ?? []).length === 0) remove(path);
    else store(path, { ...present, metadata: { ...metadata, deletionTimestamp: 'now' } }, 'server');
    return json({ kind: 'Status', status: 'Success' });
  };
  const list = (
    base: string,
    resource: string,
    where: string | undefined,
    selector: string,
    named: string | undefined,
  ): Answer => {
    const [label = '', value = ''] = selector.split('=');
    const items = [...objects]
      .filter(([path, object]) => {
        const place = path.slice(0, path.lastIndexOf('/'));
        const isKind = place.startsWith(base) && place.endsWith(`/${resource}`);
        const isThere =
          (where === undefined || object.metadata.namespace === where) &&
          (named === undefined || object.metadata.name === named);
        return isKind && isThere && (label === '' || object.metadata.labels?.[label] === value);
      })
      .map(([, object]) => object);
    const { apiVersion, kind } =
      served.find((each) => each.resource === resource && baseOf(each.apiVersion) === base) ?? {};
    const metadata = { resourceVersion: String(counter) };
    return json({ apiVersion, kind: `${kind ?? ''}List`, metadata, items });
  };

  const answerTo = ({ method, url, body }: Asked): Answer => {
    const { pathname, searchParams } = new URL(url, 'http://here');
    const discovered = discovery(pathname, served);
    if (discovered !== undefined) return json(discovered);
    const parsed =
      /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(
        pathname,
      );
    const [, base = '', where, resource = '', name] = parsed ?? [];
    if (method === 'POST') {
      const object = JSON.parse(body) as KubernetesObject;
      const path = `${pathname}/${object.metadata.name}`;
      if (objects.has(path)) return refusal(409, { reason: 'AlreadyExists' });
      const metadata = { ...object.metadata, ...(where === undefined ? {} : { namespace: where }) };
      return json(store(path, { ...object, metadata }, searchParams.get('fieldManager') ?? ''), 201);
    }
    // nothing happens
    if (searchParams.get('watch') === 'true')
      return (response) => {
        response.flushHeaders();
      };
    if (name === undefined) {
      const named = /^metadata\.name=(.+)$/.exec(searchParams.get('fieldSelector') ?? '')?.[1];
      return list(base, resource, where, searchParams.get('labelSelector') ?? '', named);
    }
    if (method === 'PATCH') return apply(pathname, searchParams, JSON.parse(body) as KubernetesObject);
    if (method === 'DELETE') return destroy(pathname, body);
    const found = objects.get(pathname);
    return found === undefined ? refusal(404, { reason: 'NotFound' }) : json(found);
  };

  const asked: string[] = [];
  const server = await fakeServer(
    [
      (response, request) => {
        const line = `${request.method} ${request.url}`;
        asked.push(line);
        cluster.meanwhile(line);
        return cluster.forbidden(line)
          ? refusal(403, { reason: 'Forbidden', message: forbiddenWords(request) })(response, request)
          : answerTo(request)(response, request);
      },
    ],
    { secure: false },
  );
  const cluster: FakeCluster = {
    access: server.access({}, {}, namespace),
    asked,
    names: () => [...objects.values()].map(nameOf),
    get: (name) => find(name)[1],
    put: (object, manager = 'kubectl') => store(pathOf(object), structuredClone(object), manager),
    drop: (name) => {
      remove(find(name)[0]);
    },
    serve: (kind) => void served.push(kind),
    forbidden: () => false,
    meanwhile: () => undefined,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return cluster;
}

const baseOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

const verbs: Readonly<Record<string, string>> = { POST: 'create', PATCH: 'patch', DELETE: 'delete' };

/** As a server says it. */
function forbiddenWords({ method, url }: Asked): string {
  const { pathname } = new URL(url, 'http://here');
  const [, where, resource = '', name] =
    /^\/apis?\/(?:[^/]+\/)?v[^/]+(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?/.exec(pathname) ??
    [];
  const verb = verbs[method] ?? (name === undefined ? 'list' : 'get');
  const place = where === undefined ? '' : ` in the namespace "${where}"`;
  return `${resource} is forbidden: User "tester" cannot ${verb} resource "${resource}"${place}`;
}

/** As a new server answers who takes it, and an old one. */
function discovery(pathname: string, served: readonly Kind[]): object | undefined {
  const versions = [...new Set(served.map(({ apiVersion }) => apiVersion))];
  const group = (apiVersion: string): object => groupOf(apiVersion, served);
  if (pathname === '/api') return { items: versions.filter((each) => !each.includes('/')).map(group) };
  if (pathname === '/apis') {
    const grouped = versions.filter((each) => each.includes('/'));
    const groups = grouped.map((groupVersion) => ({
      ...{ preferredVersion: { groupVersion }, versions: [{ groupVersion }] },
    }));
    return { groups, items: grouped.map(group) };
  }
  const version = versions.find((each) => baseOf(each) === pathname);
  if (version === undefined) return undefined;
  const resources = served
    .filter(({ apiVersion }) => apiVersion === version)
    .map(({ kind, resource, namespaced }) => ({
      kind,
      namespaced,
      name: resource,
      verbs: ['list', 'delete'],
    }));
  return { resources };
}

function groupOf(apiVersion: string, served: readonly Kind[]): object {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const resources = served
    .filter((each) => each.apiVersion === apiVersion)
    .map(({ kind, resource, namespaced }) => ({
      ...{ resource, responseKind: { kind }, singularResource: kind.toLowerCase() },
      scope: namespaced ? 'Namespaced' : 'Cluster',
    }));
  return { metadata: { name: group }, versions: [{ version, resources }] };
}
