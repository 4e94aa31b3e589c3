import type { KubeConfig } from '@kubernetes/client-node';

import { type Api, ApiError, isGone } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { type CanOptions, isAllowed } from './can.js';
import { cluster } from './cluster.js';
import { impersonate, type ImpersonationHeaders } from './impersonation.js';
import { type ApiClass, madeBy, newKubeConfig } from './kube-config.js';
import { namespace as testNamespace } from './namespace.js';
import { notThere } from './refusal.js';
import { locate } from './target.js';
import { currentScope } from './test-file.js';

export interface ServiceAccount {
  /** The name of a ServiceAccount that is there. */
  serviceAccount: string;
  /** Default: the test's own. */
  namespace?: string | undefined;
}

/** Somebody whom a test acts as. */
export interface Actor {
  /** The run's cluster as `@kubernetes/client-node` knows it, for this user. */
  kubeConfig(): KubeConfig;
  /** A client of `@kubernetes/client-node`, for this user; one per class. */
  client<T extends object>(api: ApiClass<T>): T;
  /** Whether this user may do something; see {@link can}. */
  can(verb: string, resource: string, options?: CanOptions): Promise<boolean>;
}

/**
 * Acts as somebody else, as `kubectl --as` does: every request says on whose behalf it is (impersonation), which the run's
 * user must be allowed to do. A user, and a group, need not exist.
 *
 * @param who - a user's name, or a ServiceAccount, which brings its groups with it
 * @param groups - the user's, beside `system:authenticated`
 * @example
 * const reader = as({ serviceAccount: 'reader' });
 * expect(await reader.can('list', 'pods')).toBe(true);
 * await expect(reader.client(k8s.CoreV1Api).deleteNamespacedPod({ name: 'web', namespace: 'shop' })).rejects.toMatchObject({ code: 403 });
 * const jane = as('jane', ['devs']);
 * @throws JestKubernetesError NO_CLUSTER outside of a run; TARGET_INVALID where nobody is named; with the first request
 *   TARGET_INVALID where there is no such ServiceAccount
 */
export function as(who: string | ServiceAccount, groups: readonly string[] = []): Actor {
  const scope = currentScope();
  const { api } = cluster();
  requireName(who, groups);
  let asking: Promise<ImpersonationHeaders> | undefined;
  const headers = (): Promise<ImpersonationHeaders> => {
    asking ??= userName(api, who, scope.signal)
      .then((user) => ({
        'Impersonate-User': user,
        ...(groups.length > 0 && { 'Impersonate-Group': [...groups] }),
      }))
      .catch((error: unknown) => {
        // it may be made meanwhile
        asking = undefined;
        throw error;
      });
    return asking;
  };
  let config: KubeConfig | undefined;
  const kubeConfig = (): KubeConfig => {
    if (config === undefined) {
      config = newKubeConfig();
      impersonate(config, headers);
    }
    return config;
  };
  const byClass = new Map<unknown, unknown>();
  return {
    kubeConfig,
    client<T extends object>(apiClass: ApiClass<T>): T {
      const made = (byClass.get(apiClass) as T | undefined) ?? madeBy(kubeConfig(), apiClass);
      byClass.set(apiClass, made);
      return made;
    },
    can: async (verb, resource, options) =>
      isAllowed({ verb, resource, options, scope, headers: { ...(await headers()) } }),
  };
}

function requireName(who: string | ServiceAccount, groups: readonly string[]): void {
  const name = typeof who === 'string' ? who : who.serviceAccount;
  if (typeof name === 'string' && name.trim() !== '' && groups.every((group) => group.trim() !== '')) return;
  throw new JestKubernetesError('TARGET_INVALID', 'Whom to act as is not said', {
    remedy: "Name a user, as('jane', ['devs']), or as({ serviceAccount: 'reader' }).",
  });
}

/** Of a ServiceAccount that is not there it would be true as well that it may do nothing. */
async function userName(api: Api, who: string | ServiceAccount, signal: AbortSignal): Promise<string> {
  if (typeof who === 'string') return who;
  const { serviceAccount: name, namespace = await testNamespace() } = who;
  const located = await locate({ apiVersion: 'v1', kind: 'ServiceAccount', name, namespace }, { signal });
  try {
    await api.request(`${located.collection}/${encodeURIComponent(name)}`, { signal });
  } catch (error) {
    if (error instanceof ApiError && isGone(error.status)) throw await notThere(api, located, signal, error);
    // who may not look may still act as it
    if (!(error instanceof ApiError && error.status === 403)) throw error;
  }
  return `system:serviceaccount:${namespace}:${name}`;
}
