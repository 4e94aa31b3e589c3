import type { V1SecretList } from '@kubernetes/client-node';

import type { Api } from '../../kubernetes/index.js';
import { secretsOf } from '../../support/mask.js';

/** The values of the Secrets of namespaces; undefined is all of them. */
export async function secretsHeld(api: Api, namespaces: readonly string[] | undefined): Promise<string[]> {
  const paths = namespaces?.map((namespace) => `/api/v1/namespaces/${namespace}/secrets`) ?? [
    '/api/v1/secrets',
  ];
  const lists = await Promise.all(paths.map((path) => api.request<V1SecretList>(path)));
  return lists.flatMap(({ items }) => items).flatMap(secretsOf);
}
