import { ApiError, groupOf, NotServed } from '../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { cluster } from './cluster.js';
import type { ImpersonationHeaders } from './impersonation.js';
import { namespace as testNamespace } from './namespace.js';
import { forbidden } from './refusal.js';
import type { Scope } from './scope.js';
import { currentScope } from './test-file.js';

export interface CanOptions {
  /** Default: the test's own; `*` for all of them. Not for a resource that has none. */
  namespace?: string | undefined;
  /** Of one object. Default: of any. */
  name?: string | undefined;
  /** Such as `log`; `pods/log` is the same. */
  subresource?: string | undefined;
}

/**
 * Whether the run's own user may do something, by the API server's own word: RBAC, and whatever else it asks. For
 * another user: `as('jane').can(…)`.
 *
 * @param verb - `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or `*`
 * @param resource - `pods`, `deployments.apps`, `pods/exec`; `*` for all; or a path, such as `/healthz`
 * @example
 * expect(await can('create', 'deployments.apps')).toBe(true);
 * expect(await as('jane').can('get', 'secrets', { namespace: 'kube-system' })).toBe(false);
 * @throws JestKubernetesError TARGET_INVALID where the server has no such resource; FORBIDDEN where it may not be asked, or
 *   the run's user may not act as that one; NO_CLUSTER
 */
export async function can(verb: string, resource: string, options?: CanOptions): Promise<boolean> {
  return isAllowed({ verb, resource, options, scope: currentScope() });
}

export interface Question {
  verb: string;
  resource: string;
  options: CanOptions | undefined;
  scope: Scope;
  /** Whom it is about; default: the run's user. */
  headers?: ImpersonationHeaders;
}

export async function isAllowed({
  verb,
  resource,
  options = {},
  scope,
  headers,
}: Question): Promise<boolean> {
  const { signal } = scope;
  if (!/^(\*|[a-z]+)$/.test(verb))
    throw unusable(`the verb ‘${verb}’`, 'verbs are lower-case words, such as get');
  const spec = resource.startsWith('/')
    ? { nonResourceAttributes: { verb, path: resource } }
    : { resourceAttributes: { verb, ...(await attributesOf(resource, options, signal)) } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
  try {
    const { status } = await cluster().api.request<{ status?: { allowed?: boolean } }>(
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      // asking twice changes nothing
      { method: 'POST', body, repeatable: true, signal, headers: { ...headers } },
    );
    return status?.allowed === true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403)
      throw forbidden(`ask what ${headers?.['Impersonate-User'] ?? 'its user'} may do`, error);
    throw error;
  }
}

interface Attributes {
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

async function attributesOf(resource: string, options: CanOptions, signal: AbortSignal): Promise<Attributes> {
  const [word = '', inPath] = resource.split('/', 2);
  const { name, subresource = inPath, namespace } = options;
  const more = { ...(name !== undefined && { name }), ...(subresource !== undefined && { subresource }) };
  if (word === '*') return { group: '*', resource: '*', namespace: inAll(namespace ?? '*'), ...more };
  const { kinds } = cluster();
  const found = await kinds.named(word, signal).catch((error: unknown) => {
    if (!(error instanceof NotServed)) throw error;
    throw unusable(`the resource ‘${resource}’`, messageOf(error));
  });
  return {
    ...{ group: groupOf(found), resource: found.resource, ...more },
    ...(found.namespaced && { namespace: inAll(namespace ?? (await testNamespace())) }),
  };
}

/** As the API server has it. */
const inAll = (namespace: string): string => (namespace === '*' ? '' : namespace);

const unusable = (what: string, why: string): JestKubernetesError =>
  new JestKubernetesError('TARGET_INVALID', `can() cannot ask about ${what}: ${why}`);
