import type { CauseName } from '../../src/diagnose/index.js';

interface KubernetesObject {
  kind: string;
  metadata: { name: string };
  [key: string]: unknown;
}

/** One way for a pod not to come up, made for real. */
export interface State {
  /** Also its namespace's name. */
  name: string;
  cause: CauseName;
  /** What the sentence, the evidence and the remedy must tell, between them. */
  tells: readonly RegExp[];
  objects: readonly KubernetesObject[];
  /** Waiting longer could help, so no watch may end on it. */
  patient?: true;
}

function pod(container: Record<string, unknown>, spec: Record<string, unknown> = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app' },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'app', image: 'busybox', imagePullPolicy: 'IfNotPresent', ...container }],
      ...spec,
    },
  };
}

const shell = (script: string) => ({ command: ['sh', '-c', script] });

/** @param registry - `host:port`, as a node reaches it, of the registry whose faults are wanted */
export const states = (registry: string): State[] => [
  {
    name: 'image-not-found',
    cause: 'image-not-found',
    tells: [/missing\/app:1/, /404|not found/i],
    objects: [pod({ image: `${registry}/missing/app:1` })],
  },
  {
    name: 'image-unauthorized',
    cause: 'image-unauthorized',
    tells: [/private\/app:1/, /401/],
    objects: [pod({ image: `${registry}/private/app:1` })],
  },
  {
    name: 'image-rate-limited',
    cause: 'image-rate-limited',
    tells: [/limited\/app:1/, /429/],
    objects: [pod({ image: `${registry}/limited/app:1` })],
  },
  {
    name: 'image-pull-stuck',
    cause: 'image-pull-slow',
    tells: [/stuck\/app:1/, /[1-9]\.\d of 50\.0 MB/],
    objects: [pod({ image: `${registry}/stuck/app:1` })],
    patient: true,
  },
  {
    name: 'image-never-pulled',
    cause: 'image-not-imported',
    tells: [/never-imported:1/, /Never/],
    objects: [pod({ image: 'never-imported:1', imagePullPolicy: 'Never' })],
  },
  {
    name: 'wrong-platform',
    cause: 'wrong-platform',
    tells: [/jkh\/foreign:1/, /exec format error/],
    objects: [pod({ image: 'jkh/foreign:1' })],
  },
  {
    name: 'memory-too-large',
    cause: 'unschedulable-memory',
    tells: [/asks for 900\.0 GB/, /node has [\d.]+ GB/],
    objects: [pod({ ...shell('sleep 600'), resources: { requests: { memory: '900G' } } })],
  },
  {
    name: 'cpu-too-large',
    cause: 'unschedulable-cpu',
    tells: [/asks for 640 CPUs/, /node has \d+ CPUs/],
    objects: [pod({ ...shell('sleep 600'), resources: { requests: { cpu: '640' } } })],
  },
  {
    name: 'oom-killed',
    cause: 'oom-killed',
    tells: [/32Mi/],
    objects: [pod({ ...shell('tail /dev/zero'), resources: { limits: { memory: '32Mi' } } })],
  },
  {
    name: 'bad-init-script',
    cause: 'init-script-failed',
    tells: [/01-schema\.sql/, /line 3/, /relation "shops" does not exist/],
    objects: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'initdb' },
        data: { '01-schema.sql': 'CREATE TABLE orders (id int);\n\nALTER TABLE shops ADD name text;\n' },
      },
      pod(
        {
          image: 'postgres:17-alpine',
          env: [{ name: 'POSTGRES_PASSWORD', value: 'correct-horse' }],
          volumeMounts: [{ name: 'initdb', mountPath: '/docker-entrypoint-initdb.d' }],
        },
        { volumes: [{ name: 'initdb', configMap: { name: 'initdb' } }] },
      ),
    ],
  },
  {
    name: 'bad-setting',
    cause: 'setting-refused',
    tells: [
      /the setting shared_buffers is refused/,
      /invalid value for parameter "shared_buffers": "banana"/,
    ],
    objects: [
      pod({
        image: 'postgres:17-alpine',
        args: ['postgres', '-c', 'shared_buffers=banana'],
        env: [{ name: 'POSTGRES_PASSWORD', value: 'correct-horse' }],
      }),
    ],
  },
  {
    name: 'crash-loop',
    cause: 'crash-loop',
    tells: [/exit code 3/, /cannot read settings\.json/],
    objects: [pod(shell('echo cannot read settings.json; exit 3'))],
  },
  {
    name: 'no-such-command',
    cause: 'cannot-start',
    tells: [/serve-shop/, /not found/],
    objects: [pod({ command: ['serve-shop'] })],
  },
  {
    name: 'never-ready',
    cause: 'never-ready',
    tells: [/still migrating/],
    objects: [
      pod({
        ...shell('echo listening; sleep 600'),
        readinessProbe: { exec: { command: ['sh', '-c', 'echo still migrating; exit 1'] }, periodSeconds: 1 },
      }),
    ],
    patient: true,
  },
  {
    name: 'volume-not-bound',
    cause: 'volume-not-bound',
    tells: [/claim "rows"/, /"ssd-fast"/],
    objects: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'rows' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'ssd-fast',
          resources: { requests: { storage: '1Gi' } },
        },
      },
      pod(shell('sleep 600'), { volumes: [{ name: 'rows', persistentVolumeClaim: { claimName: 'rows' } }] }),
    ],
  },
  {
    name: 'missing-secret',
    cause: 'misconfigured',
    tells: [/secret "shop-keys" not found/],
    objects: [pod({ ...shell('sleep 600'), envFrom: [{ secretRef: { name: 'shop-keys' } }] })],
  },
  {
    name: 'missing-config-volume',
    cause: 'misconfigured',
    tells: [/configmap "shop-settings" not found/],
    objects: [
      pod(
        { ...shell('sleep 600'), volumeMounts: [{ name: 'settings', mountPath: '/settings' }] },
        { volumes: [{ name: 'settings', configMap: { name: 'shop-settings' } }] },
      ),
    ],
  },
];
