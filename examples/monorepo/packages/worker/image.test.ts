import { setTimeout as pause } from 'node:timers/promises';
import * as k8s from '@kubernetes/client-node';
import { client, namespace } from 'jest-kubernetes';

const core = client(k8s.CoreV1Api);

/** Runs the image on a ConfigMap's text, to its end. */
async function run(name: string, file: string): Promise<{ exitCode: number; log: string }> {
  const pod = { name, namespace: await namespace() };
  await core.createNamespacedPod({
    namespace: pod.namespace,
    body: {
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'worker',
            image: 'tasks/worker:test',
            imagePullPolicy: 'Never', // it was built, and brought into the cluster, before the first test
            args: [file],
            volumeMounts: [{ name: 'texts', mountPath: '/texts' }],
          },
        ],
        volumes: [{ name: 'texts', configMap: { name: 'texts' } }],
      },
    },
  });
  for (;;) {
    const { status } = await core.readNamespacedPod(pod);
    const ended = status?.containerStatuses?.[0]?.state?.terminated;
    if (ended !== undefined) return { exitCode: ended.exitCode, log: await core.readNamespacedPodLog(pod) };
    await pause(250);
  }
}

beforeAll(async () => {
  const body = { metadata: { name: 'texts' }, data: { greeting: 'hello from a test' } };
  await core.createNamespacedConfigMap({ namespace: await namespace(), body });
});

test('the image counts the words of its file', async () => {
  expect(await run('counts', '/texts/greeting')).toStrictEqual({ exitCode: 0, log: '4\n' });
});

test('the image says which file it cannot read', async () => {
  const { exitCode, log } = await run('fails', '/texts/farewell');
  expect(exitCode).toBe(2);
  expect(log).toBe('count-words: cannot read /texts/farewell\n');
});
