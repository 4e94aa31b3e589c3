import type { Configuration, KubeConfig } from '@kubernetes/client-node';

import { clientNode } from './client-node.js';
import { clusterAccess } from './cluster.js';
import type { Scope } from './scope.js';
import { fileScope } from './test-file.js';

/** What a test file has asked for already: each test file starts afresh, as no change that one makes may reach the next. */
interface Clients {
  config: KubeConfig;
  byClass: Map<unknown, unknown>;
}
const ofTestFile = new WeakMap<Scope, Clients>();

function clients(): Clients {
  const key = fileScope();
  const known = ofTestFile.get(key);
  if (known !== undefined) return known;
  const made: Clients = { config: newKubeConfig(), byClass: new Map() };
  ofTestFile.set(key, made);
  return made;
}

/** @throws JestKubernetesError NO_CLUSTER outside of a run */
export function newKubeConfig(): KubeConfig {
  const { kubeconfig, context } = clusterAccess();
  const config = new (clientNode().KubeConfig)();
  config.loadFromFile(kubeconfig);
  config.setCurrentContext(context);
  return config;
}

/**
 * The run's cluster as `@kubernetes/client-node` knows it; one per test file.
 *
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export function kubeConfig(): KubeConfig {
  return clients().config;
}

/** A class of `@kubernetes/client-node` that talks to an API server, such as `k8s.CoreV1Api`. */
export type ApiClass<T> = new (configuration: Configuration) => T;

/** Classes that need more than a Configuration bring a way of their own: KubernetesObjectApi does. */
interface MadeFromKubeConfig<T> {
  makeApiClient(config: KubeConfig): T;
}

/**
 * A client of the run's cluster; one per class and test file.
 *
 * @example
 * const pods = await client(k8s.CoreV1Api).listNamespacedPod({ namespace: await namespace() });
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export function client<T extends object>(api: ApiClass<T>): T {
  const { config, byClass } = clients();
  const known = byClass.get(api) as T | undefined;
  if (known !== undefined) return known;
  const made = madeBy(config, api);
  byClass.set(api, made);
  return made;
}

export const madeBy = <T extends object>(config: KubeConfig, api: ApiClass<T>): T =>
  'makeApiClient' in api
    ? (api as unknown as MadeFromKubeConfig<T>).makeApiClient(config)
    : config.makeApiClient(api);
