import { isGone, unless } from './api-error.js';
import type { Api } from './client.js';
import { type EndpointSlice, hasReadyEndpoint } from './waiting/index.js';

/** A Service by its place. */
export interface ServiceName {
  namespace: string;
  name: string;
}

/** The cluster's DNS, under the name that it has by convention whatever answers there. */
export const clusterDns: ServiceName = { namespace: 'kube-system', name: 'kube-dns' };

/** Whether a pod that turns to a Service is answered: by a ready endpoint, where the Service is there at all. */
export async function serviceIsAnswered(
  api: Api,
  { namespace, name }: ServiceName,
  signal?: AbortSignal,
): Promise<boolean> {
  const isThere = api.request(`/api/v1/namespaces/${namespace}/services/${name}`, { signal });
  if ((await unless(isGone, isThere)) === undefined) return true;
  const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
  const { items } = await api.request<{ items: EndpointSlice[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`,
    { signal },
  );
  return items.some(hasReadyEndpoint);
}
