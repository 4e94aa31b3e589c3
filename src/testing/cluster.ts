import { type Api, type ClusterAccess, Collection, Kinds, openApi } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import type { Scope } from './scope.js';
import { fileScope } from './test-file.js';

/** The run's cluster, as the words of the test API speak to it: one connection for a test file. */
export interface Cluster {
  readonly access: ClusterAccess;
  readonly api: Api;
  readonly kinds: Kinds;
  /** What a path holds, by one watch for all that wait for something of it. */
  collection(path: string): Collection;
}

const ofTestFile = new WeakMap<Scope, Cluster>();

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

/**
 * Where the run's cluster is, as the environment tells it.
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export function clusterAccess(): ClusterAccess {
  // both, so that a KUBECONFIG of the user's own shell is never taken for the run's
  const { KUBECONFIG: kubeconfig = '', JEST_KUBERNETES_CONTEXT: context = '' } = process.env;
  if (kubeconfig === '' || context === '') throw noCluster();
  return { name: process.env['JEST_KUBERNETES_CLUSTER'] ?? context, kubeconfig, context };
}

/** @throws JestKubernetesError NO_CLUSTER outside of a run */
export function cluster(): Cluster {
  const key = fileScope();
  const known = ofTestFile.get(key);
  if (known !== undefined) return known;
  const access = clusterAccess();
  const api = openApi(access);
  const collections = new Map<string, Collection>();
  const collection = (path: string): Collection => {
    const watched = collections.get(path) ?? new Collection(api, path);
    collections.set(path, watched);
    return watched;
  };
  const made: Cluster = { access, api, kinds: new Kinds(api), collection };
  ofTestFile.set(key, made);
  fileScope().atEnd(() => {
    ofTestFile.delete(key);
    for (const each of collections.values()) each.close();
    api[Symbol.dispose]();
    return Promise.resolve();
  });
  return made;
}
