import * as k8s from '@kubernetes/client-node';

export const tasks = { group: 'example.com', version: 'v1', plural: 'tasks' };

export interface Task {
  apiVersion: 'example.com/v1';
  kind: 'Task';
  metadata: k8s.V1ObjectMeta;
  spec: { command: string[] };
}

/** Starts a pod for each task that has none. @returns the names of those that it started */
export async function reconcile(config: k8s.KubeConfig, namespace: string): Promise<string[]> {
  const core = config.makeApiClient(k8s.CoreV1Api);
  const objects = config.makeApiClient(k8s.CustomObjectsApi);
  const { items } = (await objects.listNamespacedCustomObject({ ...tasks, namespace })) as { items: Task[] };
  const pods = await core.listNamespacedPod({ namespace });
  const started = new Set(pods.items.map(({ metadata }) => metadata?.name));
  const waiting = items.filter(({ metadata }) => !started.has(metadata.name));
  for (const task of waiting) await core.createNamespacedPod({ namespace, body: podOf(task) });
  return waiting.map(({ metadata }) => metadata.name ?? '');
}

function podOf({ apiVersion, kind, metadata: { name = '', uid = '' }, spec }: Task): k8s.V1Pod {
  return {
    metadata: { name, ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'task', image: 'busybox:latest', imagePullPolicy: 'IfNotPresent', ...spec }],
    },
  };
}
