import { type Api, isGone, unless } from '../../../kubernetes/index.js';
import { pause } from '../../../support/abort.js';

/*
 * What the API server has to be asked for, so that nothing of the original's life is in its clones. Each clone then goes
 * on where a new cluster is when it has been set up and nothing has run in it yet.
 */

interface Listed {
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string }[];
  };
}

interface Pod extends Listed {
  spec: { nodeName?: string };
}

interface EndpointSlice extends Listed {
  endpoints?: { conditions?: { ready?: boolean } }[] | null;
}

const itemsOf = async <T extends Listed>(api: Api, path: string, signal: AbortSignal): Promise<T[]> =>
  (await api.request<{ items: T[] }>(path, { signal })).items;

/** Deletes every object of a kind; one that is gone meanwhile is no failure. */
async function deleteAll(
  api: Api,
  { group = '/api/v1', kind, query = '' }: { group?: string; kind: string; query?: string },
  signal: AbortSignal,
): Promise<Listed[]> {
  const items = await itemsOf(api, `${group}/${kind}${query}`, signal);
  for (const { metadata } of items) {
    const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
    const path = `${group}${within}/${kind}/${metadata.name}`;
    const deleting = api.request(path, { method: 'DELETE', body: { gracePeriodSeconds: 0 }, signal });
    await unless(isGone, deleting);
  }
  return items;
}

const isStatic = ({ metadata }: Listed): boolean =>
  metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

/**
 * What the rest stands on: the network. Other pods a clone's scheduler places, a second later: some end where there is no network
 * yet, and all would keep the processors from what a run itself waits for.
 */
const isOfNode = ({ metadata: { ownerReferences = [] } }: Listed): boolean =>
  ownerReferences.some(({ kind }) => kind === 'DaemonSet');

const place = (api: Api, { metadata: { name, namespace } }: Pod, node: string, signal: AbortSignal) =>
  unless(
    isThere,
    api.request(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
      method: 'POST',
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      },
      signal,
    }),
  );

/**
 * With the kubelet and the scheduler stopped and the controllers still at work: pods are made anew and the network's given
 * to the node, where they wait; nothing is ready, and no token lets another node join.
 */
export async function renewPods(api: Api, node: string, signal: AbortSignal): Promise<void> {
  await deleteAll(
    api,
    { kind: 'secrets', query: '?fieldSelector=type%3Dbootstrap.kubernetes.io/token' },
    signal,
  );
  const before = await deleteAll(api, { kind: 'pods' }, signal);
  const old = new Set(before.map(({ metadata }) => metadata.uid));
  const expected = before.filter((pod) => !isStatic(pod)).length;
  for (;;) {
    const pods = await itemsOf<Pod>(api, '/api/v1/pods', signal);
    const renewed = pods.filter((pod) => !old.has(pod.metadata.uid));
    const toPlace = renewed.filter((pod) => pod.spec.nodeName === undefined && isOfNode(pod));
    for (const pod of toPlace) await place(api, pod, node, signal);
    const slices = await itemsOf<EndpointSlice>(api, '/apis/discovery.k8s.io/v1/endpointslices', signal);
    const ready = slices.filter(
      ({ metadata, endpoints }) =>
        metadata.name !== 'kubernetes' && endpoints?.some(({ conditions }) => conditions?.ready === true),
    );
    if (toPlace.length === 0 && renewed.length >= expected && ready.length === 0) return;
    await pause(200, signal);
  }
}

interface Node extends Listed {
  metadata: Listed['metadata'] & { labels?: Record<string, string> };
  spec: { podCIDR?: string; podCIDRs?: string[]; taints?: object[] };
  status: { capacity?: object; allocatable?: object };
}

const mergePatch = 'application/merge-patch+json';

/**
 * With the controllers stopped: nobody holds a lease, which would cost the next one the time that it runs for; nobody
 * takes the node for ready, its old addresses for its own, or an old CA for the cluster's; and nothing has happened yet.
 */
export async function forgetLife(api: Api, signal: AbortSignal): Promise<void> {
  for (const node of await itemsOf<Node>(api, '/api/v1/nodes', signal)) {
    const { metadata, spec, status } = node;
    const { name, labels, annotations } = metadata;
    const path = `/api/v1/nodes/${name}`;
    // anew: its addresses and conditions are none then, and its provider id the clone's to tell
    await api.request(path, { method: 'DELETE', signal });
    const { podCIDR, podCIDRs, taints = [] } = spec;
    const body = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels, annotations },
      spec: { podCIDR, podCIDRs },
    };
    await api.request('/api/v1/nodes', { method: 'POST', body, signal });
    // a new one is given a taint until a controller has seen it Ready, which costs the first pods seconds
    await api.request(path, { method: 'PATCH', contentType: mergePatch, body: { spec: { taints } }, signal });
    // a kubelet that has not told its own yet refuses for good what does not fit into this
    const { capacity, allocatable } = status;
    await api.request(`${path}/status`, {
      method: 'PATCH',
      contentType: mergePatch,
      body: { status: { capacity, allocatable } },
      signal,
    });
  }
  await deleteAll(api, { kind: 'configmaps', query: `?fieldSelector=metadata.name%3D${rootCa}` }, signal);
  await deleteAll(api, { group: '/apis/coordination.k8s.io/v1', kind: 'leases' }, signal);
  const certificates = '/apis/certificates.k8s.io/v1';
  await deleteAll(api, { group: certificates, kind: 'certificatesigningrequests' }, signal);
  await deleteAll(api, { kind: 'events' }, signal);
}

interface Service extends Listed {
  spec: { clusterIP: string };
}

/** Where pods find the API server. */
export async function apiServiceAddress(api: Api, signal: AbortSignal): Promise<string> {
  const path = '/api/v1/namespaces/default/services/kubernetes';
  return (await api.request<Service>(path, { signal })).spec.clusterIP;
}

/** In every namespace, the CA by which its pods know the API server. */
const rootCa = 'kube-root-ca.crt';

export interface Clone {
  /** The cluster's name. */
  name: string;
  container: string;
  hostname: string;
  engine: string;
  /** The CA of its API server, as text. */
  certificate: string;
}

/**
 * In a clone, as soon as it answers: its own CA is where pods and people look for it, and its node says which container it
 * is. The controller that publishes the CA would come to it seconds later.
 */
export async function introduceClone(api: Api, clone: Clone, signal: AbortSignal): Promise<void> {
  const providerID = `kind://${clone.engine}/${clone.name}/${clone.container}`;
  const introducing = api.request(`/api/v1/nodes/${clone.hostname}`, {
    method: 'PATCH',
    contentType: mergePatch,
    body: { spec: { providerID } },
    signal,
  });
  const { certificate } = clone;
  const namespaces = await itemsOf(api, '/api/v1/namespaces', signal);
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: rootCa, annotations },
    data: { 'ca.crt': certificate },
  };
  const publishing = namespaces.map(({ metadata }) =>
    unless(
      isThere,
      api.request(`/api/v1/namespaces/${metadata.name}/configmaps`, { method: 'POST', body, signal }),
    ),
  );
  await Promise.all([introducing, ...publishing, renewClusterInfo(api, certificate, signal)]);
}

/** As the controller that takes it over has them. */
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

const isThere = (status: number): boolean => status === 409;

interface ConfigMap {
  data: Record<string, string>;
}

/** What kubeadm leaves for those that join. */
async function renewClusterInfo(api: Api, certificate: string, signal: AbortSignal): Promise<void> {
  const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
  const found = await unless(isGone, api.request<ConfigMap>(path, { signal }));
  const kubeconfig = found?.data['kubeconfig']?.replace(
    /certificate-authority-data: .*/,
    `certificate-authority-data: ${Buffer.from(certificate).toString('base64')}`,
  );
  if (kubeconfig === undefined) return;
  const signatures = Object.keys(found?.data ?? {}).filter((key) => key.startsWith('jws-kubeconfig-'));
  const data = { kubeconfig, ...Object.fromEntries(signatures.map((key) => [key, null])) };
  await api.request(path, {
    method: 'PATCH',
    contentType: mergePatch,
    body: { data },
    signal,
  });
}
