import { setTimeout as pause } from 'node:timers/promises';
import * as k8s from '@kubernetes/client-node';
import { client, kubeConfig, namespace } from 'jest-kubernetes';
import { reconcile, tasks, type Task } from './src/reconcile';

const core = client(k8s.CoreV1Api);
const objects = client(k8s.CustomObjectsApi);

async function create(name: string, command: string[]): Promise<void> {
  const body: Task = { apiVersion: 'example.com/v1', kind: 'Task', metadata: { name }, spec: { command } };
  await objects.createNamespacedCustomObject({ ...tasks, namespace: await namespace(), body });
}

test('a task is run by a pod of its own', async () => {
  await create('greet', ['echo', 'hello']);
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual(['greet']);

  const pod = { name: 'greet', namespace: await namespace() };
  expect(await end(pod)).toBe('Succeeded');
  expect(await core.readNamespacedPodLog(pod)).toBe('hello\n');
});

test('a task is started once', async () => {
  await create('once', ['true']);
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual(['once']);
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual([]);
});

test('a task without a command is refused by its schema', async () => {
  await expect(create('idle', [])).rejects.toMatchObject({ code: 422 });
});

/** Waits until a pod has ended, and says how: the test's own time limit bounds it. */
async function end(pod: { name: string; namespace: string }): Promise<string> {
  for (;;) {
    const { status } = await core.readNamespacedPod(pod);
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return status.phase;
    await pause(250);
  }
}
