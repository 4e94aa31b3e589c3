import type { Configuration, KubeConfig } from '@kubernetes/client-node';

import { JestKubernetesError } from '../support/errors.js';
import { clientNode } from './client-node.js';
import { currentTestFile } from './test-file.js';

/** What a test file has asked for already: each test file starts afresh, as no change that one makes may reach the next. */
interface Clients {
  config: KubeConfig;
  byClass: Map<unknown, unknown>;
}
const ofTestFile = new WeakMap<object, Clients>();
const outsideOfTestFiles = {};

function noCluster(): JestKubernetesError {
  const off = process.env['JEST_KUBERNETES'] === 'off';
  return new JestKubernetesError('NO_CLUSTER', 'There is no cluster in this process', {
    evidence: [
      off
        ? 'JEST_KUBERNETES=off is set, which switches jest-kubernetes off'
        : 'KUBECONFIG and JEST_KUBERNETES_CONTEXT are not set, as they are in a worker of a run',
    ],
    remedy: off
      ? 'unset JEST_KUBERNETES'
      : "put preset: 'jest-kubernetes' into the Jest config; one that has a globalSetup of its own calls jest-kubernetes/global-setup from it",
  });
}

function clients(): Clients {
  const key = currentTestFile() ?? outsideOfTestFiles;
  const known = ofTestFile.get(key);
  if (known !== undefined) return known;
  // both, so that a KUBECONFIG of the user's own shell is never taken for the run's
  const { KUBECONFIG: path = '', JEST_KUBERNETES_CONTEXT: context = '' } = process.env;
  if (path === '' || context === '') throw noCluster();
  const config = new (clientNode().KubeConfig)();
  config.loadFromFile(path);
  config.setCurrentContext(context);
  const made: Clients = { config, byClass: new Map() };
  ofTestFile.set(key, made);
  return made;
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
  const made =
    'makeApiClient' in api
      ? (api as unknown as MadeFromKubeConfig<T>).makeApiClient(config)
      : config.makeApiClient(api);
  byClass.set(api, made);
  return made;
}
