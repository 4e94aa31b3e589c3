import { ApiError } from './api-error.js';
import type { Api } from './client.js';

const probe = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'probe-' },
  spec: { containers: [{ name: 'probe', image: 'probe' }] },
};

/**
 * Whether a namespace takes pods in, by asking for one that is not made (a dry run): its `default` ServiceAccount comes
 * a moment after it, in a new cluster later. Until then every
 * pod is refused. Any other refusal is the cluster's own rule, for the pods that are meant to meet.
 */
export async function podsAreAdmitted(api: Api, namespace: string, signal?: AbortSignal): Promise<boolean> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?dryRun=All`;
  try {
    await api.request(path, { method: 'POST', body: probe, signal });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return !/service ?account/i.test(error.message);
  }
  return true;
}
