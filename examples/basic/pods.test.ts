import { setTimeout as pause } from 'node:timers/promises';
import * as k8s from '@kubernetes/client-node';
import { client, namespace } from 'jest-kubernetes';

const api = client(k8s.CoreV1Api);

test('a pod runs on an image that was brought into the cluster', async () => {
  const pod = { name: 'postgres-version', namespace: await namespace() };
  await api.createNamespacedPod({
    namespace: pod.namespace,
    body: {
      metadata: { name: pod.name },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'postgres',
            image: 'postgres:17-alpine',
            imagePullPolicy: 'Never', // it is there before the first test
            command: ['postgres', '--version'],
          },
        ],
      },
    },
  });

  expect(await end(pod)).toBe('Succeeded');
  expect(await api.readNamespacedPodLog(pod)).toContain('(PostgreSQL) 17');
});

/** Waits until a pod has ended, and says how: the test's own time limit bounds it. */
async function end(pod: { name: string; namespace: string }): Promise<string> {
  for (;;) {
    const { status } = await api.readNamespacedPod(pod);
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return status.phase;
    await pause(250);
  }
}
