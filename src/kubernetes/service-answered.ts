import { isGone, unless } from './api-error.js';
import type { Api } from './client.js';
import { type EndpointSlice, hasReadyEndpoint } from './waiting/index.js';

/** A Service by its place. */
export interface ServiceName {
  namespace: string;
  name: string;
}

/** What is read of a Service. */
interface Service {
  spec: { clusterIP?: string; ports?: { port: number; protocol?: string }[] };
}

const pathOf = ({ namespace, name }: ServiceName): string =>
  `/api/v1/namespaces/${namespace}/services/${name}`;

/** The cluster's DNS, under the name that it has by convention whatever answers there. */
export const clusterDns: ServiceName = { namespace: 'kube-system', name: 'kube-dns' };

/** Whether a pod that turns to a Service is answered: by a ready endpoint, where the Service is there at all. */
export async function serviceIsAnswered(
  api: Api,
  service: ServiceName,
  signal?: AbortSignal,
): Promise<boolean> {
  const { namespace, name } = service;
  if ((await unless(isGone, api.request(pathOf(service), { signal }))) === undefined) return true;
  const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
  const { items } = await api.request<{ items: EndpointSlice[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`,
    { signal },
  );
  return items.some(hasReadyEndpoint);
}

/** Where pods turn to for a Service; undefined where it has no address of its own, no port of TCP, or is not there. */
export async function serviceAddress(
  api: Api,
  service: ServiceName,
  signal?: AbortSignal,
): Promise<{ host: string; port: number } | undefined> {
  const found = await unless(isGone, api.request<Service>(pathOf(service), { signal }));
  const { clusterIP: host = 'None', ports = [] } = found?.spec ?? {};
  const port = ports.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.port;
  return host === 'None' || host === '' || port === undefined ? undefined : { host, port };
}
