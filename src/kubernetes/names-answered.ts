import { isGone, unless } from './api-error.js';
import type { Api } from './client.js';

interface EndpointSlice {
  endpoints?: { conditions?: { ready?: boolean } }[] | null;
}

const service = 'kube-dns';

/** Whether a pod that looks a Service up is answered: by a ready endpoint of the cluster's DNS, where it has one. */
export async function namesAreAnswered(api: Api, signal?: AbortSignal): Promise<boolean> {
  const isThere = api.request(`/api/v1/namespaces/kube-system/services/${service}`, { signal });
  if ((await unless(isGone, isThere)) === undefined) return true;
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const { items } = await api.request<{ items: EndpointSlice[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices?labelSelector=${selector}`,
    { signal },
  );
  return items.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready === true));
}
