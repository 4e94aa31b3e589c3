import { apply, complete, kubeConfig, logs, namespace, waitFor } from 'jest-kubernetes';
import { reconcile, type Task } from './src/reconcile';

function task(name: string, command: string[]): Task {
  return { apiVersion: 'example.com/v1', kind: 'Task', metadata: { name }, spec: { command } };
}

test('a task is run by a pod of its own', async () => {
  await apply(task('greet', ['echo', 'hello']));
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual(['greet']);

  await waitFor('pod/greet', complete);
  expect(await logs('pod/greet')).toBe('hello\n');
});

test('a task is started once', async () => {
  await apply(task('once', ['true']));
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual(['once']);
  expect(await reconcile(kubeConfig(), await namespace())).toStrictEqual([]);
});

test('a task without a command is refused by its schema', async () => {
  await expect(apply(task('idle', []))).rejects.toThrow(/spec.command/);
});
