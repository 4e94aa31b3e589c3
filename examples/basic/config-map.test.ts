import * as k8s from '@kubernetes/client-node';
import { client, namespace } from 'jest-kubernetes';

const api = client(k8s.CoreV1Api);

test('a ConfigMap keeps what is written into it', async () => {
  const settings = { name: 'settings', namespace: await namespace() };
  await api.createNamespacedConfigMap({
    namespace: settings.namespace,
    body: { metadata: { name: settings.name }, data: { colour: 'blue' } },
  });

  const { data } = await api.readNamespacedConfigMap(settings);
  expect(data).toStrictEqual({ colour: 'blue' });
});

test('reading what is not there fails with the status of the API server', async () => {
  const reading = api.readNamespacedConfigMap({ name: 'nothing', namespace: await namespace() });
  await expect(reading).rejects.toThrow(k8s.ApiException);
  await expect(reading).rejects.toMatchObject({ code: 404 });
});
