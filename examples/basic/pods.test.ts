import { apply, complete, logs, waitFor } from 'jest-kubernetes';

test('a pod runs on an image that was brought into the cluster', async () => {
  const [pod] = await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'postgres-version' },
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
  });
  await waitFor(pod, complete);
  expect(await logs(pod)).toContain('(PostgreSQL) 17');
});
