import { apply, logs, waitFor } from 'jest-kubernetes';

/** Runs the image on a ConfigMap's text, to its end. */
async function run(name: string, file: string): Promise<{ exitCode: number | undefined; log: string }> {
  const [pod] = await apply({
    apiVersion: 'v1',
    kind: 'Pod',
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
  });
  const { status } = await waitFor(pod, ({ status }) => /Succeeded|Failed/.test(status?.phase ?? ''));
  const exitCode = status?.containerStatuses?.[0]?.state?.terminated?.exitCode;
  return { exitCode, log: await logs(pod) };
}

beforeAll(async () => {
  const data = { greeting: 'hello from a test' };
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'texts' }, data });
});

test('the image counts the words of its file', async () => {
  expect(await run('counts', '/texts/greeting')).toStrictEqual({ exitCode: 0, log: '4\n' });
});

test('the image says which file it cannot read', async () => {
  const { exitCode, log } = await run('fails', '/texts/farewell');
  expect(exitCode).toBe(2);
  expect(log).toBe('count-words: cannot read /texts/farewell\n');
});
