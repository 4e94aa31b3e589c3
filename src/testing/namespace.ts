import { randomBytes } from 'node:crypto';
import { basename, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { CoreV1Api } from '@kubernetes/client-node';

import { clusterLabel, openApi, ownerLabel, podsAreAdmitted } from '../kubernetes/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { clientNode } from './client-node.js';
import { client } from './kube-config.js';
import { currentTestFile, fileScope, type TestFile } from './test-file.js';

/** How long the `default` ServiceAccount may take to appear, in ms; it takes some 30 where the cluster is well. */
const serviceAccountLimit = 60_000;

const ofTestFile = new WeakMap<object, Promise<string>>();
const outsideOfTestFiles = {};

/**
 * A name for the namespace of a test file: a DNS label that tells where it comes from, and that no other run,
 * worker or file has.
 */
function namespaceName(testFile: string | undefined): string {
  const stem = basename(testFile ?? 'jest')
    .replace(/\.[cm]?[jt]sx?$/i, '')
    .replace(/[._-](test|spec)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return `${stem === '' ? 'test' : stem}-${randomBytes(5).toString('hex')}`;
}

const statusOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

async function waitUntilPodsAreAdmitted(namespace: string): Promise<void> {
  const deadline = performance.now() + serviceAccountLimit;
  const { KUBECONFIG: kubeconfig = '', JEST_KUBERNETES_CONTEXT: context = '' } = process.env;
  using api = openApi({ name: context, kubeconfig, context });
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

/** Deletes that very namespace: should another have its name by now, it stays. */
async function remove(core: CoreV1Api, name: string, uid: string | undefined): Promise<void> {
  const k8s = clientNode();
  const preconditions = Object.assign(new k8s.V1Preconditions(), { uid });
  const body = Object.assign(new k8s.V1DeleteOptions(), { preconditions, propagationPolicy: 'Background' });
  try {
    await core.deleteNamespace({ name, body });
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409) return;
    throw new Error(`cannot delete the namespace ${name}: ${firstLine(messageOf(error))}`, {
      cause: error,
    });
  }
}

async function create(file: TestFile | undefined): Promise<string> {
  const k8s = clientNode();
  const core = client(k8s.CoreV1Api);
  const name = namespaceName(file?.path);
  const runId = process.env['JEST_KUBERNETES_RUN_ID'];
  const cluster = process.env['JEST_KUBERNETES_CLUSTER'];
  const owner = process.env['JEST_KUBERNETES_OWNER'];
  const metadata = Object.assign(new k8s.V1ObjectMeta(), {
    name,
    labels: {
      'app.kubernetes.io/managed-by': 'jest-kubernetes',
      ...(runId === undefined ? {} : { 'jest-kubernetes/run-id': runId }),
      ...(cluster === undefined ? {} : { [clusterLabel]: cluster }),
      // in a cluster that stays: by which it is found when this process cannot delete it
      ...(owner === undefined ? {} : { [ownerLabel]: owner }),
    },
    annotations:
      file === undefined ? {} : { 'jest-kubernetes/test-file': relative(process.cwd(), file.path) },
  });
  const made = await core.createNamespace({ body: Object.assign(new k8s.V1Namespace(), { metadata }) });
  const scope = fileScope();
  scope.namespaces.push(name);
  scope.atEnd(async () => {
    if (!isKept(file)) await remove(core, name, made.metadata?.uid);
  });
  await waitUntilPodsAreAdmitted(name);
  return name;
}

/**
 * The name of this test file's own namespace: made on first use, ready for pods, deleted at the end of the file
 * (in the background; not where the cluster is kept).
 *
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export function namespace(): Promise<string> {
  const file = currentTestFile();
  const key = file ?? outsideOfTestFiles;
  const known = ofTestFile.get(key);
  if (known !== undefined) return known;
  const made = create(file).catch((error: unknown) => {
    ofTestFile.delete(key);
    throw error;
  });
  ofTestFile.set(key, made);
  return made;
}
