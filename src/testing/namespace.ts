import { randomBytes } from 'node:crypto';
import { basename, relative } from 'node:path';

import {
  type Api,
  ApiError,
  clusterLabel,
  type KubernetesObject,
  type Owner,
  ownerLabel,
  podsAreAdmitted,
} from '../kubernetes/index.js';
import { pause } from '../support/abort.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { cluster } from './cluster.js';
import type { Scope } from './scope.js';
import { currentScope, currentTestFile, fileScope, type TestFile } from './test-file.js';

/** How long the `default` ServiceAccount may take to appear, in ms; it takes some 30 where the cluster is well. */
const serviceAccountLimit = 60_000;

export interface NamespaceOptions {
  /** Tells several namespaces of a test file apart, and is part of the name. Default: the file's one. */
  name?: string;
  labels?: Readonly<Record<string, string>>;
  /** The Pod Security Standard that is enforced in it. Default: the cluster's own, which of a new one is none. */
  podSecurity?: 'privileged' | 'baseline' | 'restricted';
  /** How long it lasts. Default: `file`; what is asked for outside of tests (`beforeAll`) lasts as long as the file. */
  per?: 'file' | 'test';
}

/** By their distinguishing name. */
const ofScope = new WeakMap<Scope, Map<string, Promise<string>>>();

/** Text as part of a DNS label. */
const labelOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replace(/^-+|-+$/g, '');

/**
 * A name for a namespace: a DNS label that tells where it comes from, and that no other run, worker or file has.
 */
function namespaceName(testFile: string | undefined, distinction: string | undefined): string {
  const stem = basename(testFile ?? 'jest')
    .replace(/\.[cm]?[jt]sx?$/i, '')
    .replace(/[._-](test|spec)$/i, '');
  const parts = [stem, distinction ?? ''].map(labelOf).filter((part) => part !== '');
  return `${parts.length === 0 ? 'test' : parts.join('-')}-${randomBytes(5).toString('hex')}`;
}

async function waitUntilPodsAreAdmitted(api: Api, namespace: string): Promise<void> {
  const deadline = performance.now() + serviceAccountLimit;
  // what cannot be asked is for the test's own pods to meet
  while (!(await podsAreAdmitted(api, namespace).catch(() => true))) {
    if (performance.now() > deadline) {
      throw new JestKubernetesError(
        'CLUSTER_NOT_READY',
        `The namespace ${namespace} has no ServiceAccount "default" after ${serviceAccountLimit / 1000} s, and can run no pod`,
        { remedy: 'see the log of kube-controller-manager: its service account controller makes it' },
      );
    }
    await pause(25);
  }
}

/** A cluster that is kept is kept for looking at what failed. */
function isKept(file: TestFile | undefined): boolean {
  const keep = process.env['JEST_KUBERNETES_KEEP'];
  return keep === 'always' || (keep === 'on-failure' && file?.failed === true);
}

/** Deletes that very namespace, and waits for nothing: should another have its name by now, it stays. */
async function remove(api: Api, name: string, uid: string | undefined): Promise<void> {
  const body = {
    ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } },
    propagationPolicy: 'Background',
  };
  try {
    await api.request(`/api/v1/namespaces/${name}`, { method: 'DELETE', body });
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
    throw new Error(`cannot delete the namespace ${name}: ${firstLine(messageOf(error))}`, { cause: error });
  }
}

/** The set-up that what tests make belongs to, in a cluster that stays. */
export function setUp(): Owner | undefined {
  const { JEST_KUBERNETES_OWNER: id, JEST_KUBERNETES_CLUSTER: name = '' } = process.env;
  return id === undefined ? undefined : { id, cluster: name };
}

/**
 * By which what a test makes in a cluster that stays is found when its process cannot delete it: the same for all runs that
 * share it.
 */
export function marks(): Record<string, string> {
  const clusterName = process.env['JEST_KUBERNETES_CLUSTER'];
  const owner = setUp();
  return {
    'app.kubernetes.io/managed-by': 'jest-kubernetes',
    ...(clusterName === undefined ? {} : { [clusterLabel]: clusterName }),
    ...(owner === undefined ? {} : { [ownerLabel]: owner.id }),
  };
}

async function create(
  scope: Scope,
  { name: distinction, labels, podSecurity }: NamespaceOptions,
): Promise<string> {
  const file = currentTestFile();
  const { api } = cluster();
  const name = namespaceName(file?.path, distinction);
  const runId = process.env['JEST_KUBERNETES_RUN_ID'];
  const run = runId === undefined ? {} : { 'jest-kubernetes/run-id': runId };
  const security = podSecurity && { 'pod-security.kubernetes.io/enforce': podSecurity };
  const body = {
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: {
      name,
      labels: { ...labels, ...security, ...marks(), ...run },
      annotations: file && { 'jest-kubernetes/test-file': relative(process.cwd(), file.path) },
    },
  };
  const made = await api.request<KubernetesObject>('/api/v1/namespaces', { method: 'POST', body });
  scope.namespaces.push(name);
  scope.atEnd(async () => {
    if (!isKept(file)) await remove(api, name, made.metadata.uid);
  });
  await waitUntilPodsAreAdmitted(api, name);
  return name;
}

/**
 * The name of this test file's own namespace: made on first use, ready for pods, deleted at the end of the file
 * (in the background; not where the cluster is kept). With a `name` there may be several; with `per: 'test'` it is the
 * test's own, and the words of the test API use it from then on in that test.
 *
 * @example
 * beforeEach(() => namespace({ per: 'test' }));
 * const strict = await namespace({ name: 'strict', podSecurity: 'restricted' });
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export function namespace(options: NamespaceOptions = {}): Promise<string> {
  const { name = '', per } = options;
  const scopes =
    per === 'test' ? [currentScope()] : per === 'file' ? [fileScope()] : [currentScope(), fileScope()];
  for (const scope of scopes) {
    const known = ofScope.get(scope)?.get(name);
    if (known !== undefined) return known;
  }
  const scope = per === 'test' ? currentScope() : fileScope();
  const made = create(scope, options).catch((error: unknown) => {
    ofScope.get(scope)?.delete(name);
    throw error;
  });
  const named = ofScope.get(scope) ?? new Map<string, Promise<string>>();
  ofScope.set(scope, named.set(name, made));
  return made;
}
