import { availableParallelism } from 'node:os';

import type { PostgresConfig } from '../config/index.js';
import {
  type KubernetesObject,
  managedBy,
  type Owner,
  ownNamespace,
  packageNamespace,
} from '../kubernetes/index.js';
import { asImageDoes, fromInitialized, initialEnv } from './initialized.js';

export const postgresName = 'postgres';
/** The StatefulSet's one pod. */
export const postgresPod = `${postgresName}-0`;
/** The node's port that a cluster's configuration maps to 127.0.0.1; outside those that Services are given. */
export const postgresNodePort = 25432;
export const serverAnnotation = 'jest-kubernetes/server';

/** PostgreSQL as fast as it can be run where nothing needs to survive a power cut. */
const fastSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  // the write-ahead log lies in memory too
  max_wal_size: '256MB',
  // for each core two packages' workers, with two pools of ten; one that is not used costs 45 kB
  max_connections: String(Math.min(2000, Math.max(300, 100 + 50 * availableParallelism()))),
  // compiling a plan costs more than a test's query
  jit: 'off',
  log_checkpoints: 'off',
};

export interface PostgresPlacement {
  namespace?: string;
  /**
   * The node that keeps the files, under a path of its own, so that a deleted pod comes back with its databases; the
   * server listens at the node's own address, on `postgresNodePort`, and so needs neither pod network nor kube-proxy.
   * Undefined, for a cluster whose nodes are not ours: files in the pod's memory, gone with it, and a pod's address.
   */
  node?: string | undefined;
  /** Whether that node has files that the image has made, which the server begins with. Default: it makes its own. */
  isInitialized?: boolean;
  /** In a cluster that stays, whose mark the namespace carries, with which all in it goes. */
  owner?: Owner | undefined;
}

/** kind mounts a tmpfs on /tmp of its nodes, and a volume of the host's disk on /var. */
const nodePaths = { memory: '/tmp/jest-kubernetes-postgres', disk: '/var/lib/jest-kubernetes-postgres' };

/** The objects of a PostgreSQL server, as plain data. */
export function postgresObjects(
  config: PostgresConfig,
  password: string,
  { namespace = packageNamespace, node, isInitialized = false }: PostgresPlacement = {},
): KubernetesObject[] {
  const { storage } = config;
  const labels = { 'app.kubernetes.io/name': postgresName, ...managedBy };
  const port = node === undefined ? 5432 : postgresNodePort;
  const metadata = { name: postgresName, namespace, labels };
  const settings = { ...fastSettings, ...config.settings };
  const { command, volumeMounts, volumes } = isInitialized ? fromInitialized : asImageDoes;
  const emptyDir = storage === 'memory' ? { medium: 'Memory' } : {};
  const secret = (key: string) => ({ valueFrom: { secretKeyRef: { name: postgresName, key } } });

  return [
    ownNamespace(namespace, node === undefined ? 'baseline' : 'privileged'),
    // its own, as a namespace's `default` account comes seconds after the namespace, and pods are refused until then
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { user: config.user, password } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: labels,
        ports: [{ name: 'postgres', protocol: 'TCP', port: 5432, targetPort: 'postgres' }],
      },
    },
    {
      apiVersion: 'apps/v1',
      // not a Deployment: it would start a second server on the same files while the first one ends
      kind: 'StatefulSet',
      metadata: {
        ...metadata,
        annotations: { [serverAnnotation]: JSON.stringify(serverSignature(config)) },
      },
      spec: {
        replicas: 1,
        serviceName: postgresName,
        // nobody updates it, and its first pod may be ours
        updateStrategy: { type: 'OnDelete' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: postgresName,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 10,
            ...(node === undefined
              ? {}
              : { hostNetwork: true, nodeSelector: { 'kubernetes.io/hostname': node } }),
            // a control plane's node will do, one whose network is still coming up, and one with a user's own taints
            tolerations: [{ operator: 'Exists' }],
            containers: [
              {
                name: postgresName,
                image: config.image,
                imagePullPolicy: 'IfNotPresent',
                command,
                args: [
                  'postgres',
                  ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
                ],
                env: [
                  { name: 'POSTGRES_USER', ...secret('user') },
                  { name: 'POSTGRES_PASSWORD', ...secret('password') },
                  ...initialEnv,
                  { name: 'PGDATA', value: '/jest-kubernetes/pgdata' },
                  // of the server, and of psql in the pod
                  { name: 'PGPORT', value: String(port) },
                ],
                ports: [{ name: 'postgres', protocol: 'TCP', containerPort: port }],
                // over TCP: during its set-up the image's server listens on the Unix socket alone
                readinessProbe: { tcpSocket: { port: 'postgres' }, periodSeconds: 1, failureThreshold: 3 },
                resources: config.resources,
                volumeMounts: [
                  { name: 'files', mountPath: '/jest-kubernetes' },
                  { name: 'shared-memory', mountPath: '/dev/shm' },
                  ...volumeMounts,
                ],
              },
            ],
            volumes: [
              node === undefined
                ? { name: 'files', emptyDir }
                : { name: 'files', hostPath: { path: nodePaths[storage], type: 'DirectoryOrCreate' } },
              // a container's own /dev/shm is 64 MB, too little for parallel queries
              { name: 'shared-memory', emptyDir: { medium: 'Memory' } },
              ...volumes,
            ],
          },
        },
      },
    },
  ];
}

/**
 * The StatefulSet's first pod, given to its node. While a cluster boots, this is seconds sooner than its controller and
 * the scheduler; the controller then takes it for its own, and makes the ones after it.
 */
export function firstPod({ metadata, spec }: KubernetesObject, node: string): KubernetesObject {
  const { template } = spec as { template: { metadata: { labels: Record<string, string> }; spec: object } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: postgresPod,
      namespace: metadata.namespace ?? packageNamespace,
      labels: { ...template.metadata.labels, 'statefulset.kubernetes.io/pod-name': postgresPod },
    },
    // without its selector: a kubelet that is started anew, as kubeadm does at the end, compares that with a node which
    // it may not know yet, and ends the pod where they seem to differ (kubernetes/kubernetes#129463)
    spec: { ...template.spec, nodeSelector: undefined, nodeName: node },
  };
}

/** What runs that share a server must agree on. */
export function serverSignature({
  image,
  settings,
  resources,
  storage,
}: Pick<PostgresConfig, 'image' | 'settings' | 'resources' | 'storage'>): {
  image: string;
  settings: Record<string, string>;
  resources: PostgresConfig['resources'];
  storage: PostgresConfig['storage'];
} {
  const sorted = Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { image, settings: sorted, resources, storage };
}
