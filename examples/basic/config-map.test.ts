import * as k8s from '@kubernetes/client-node';
import { apply, client, namespace } from 'jest-kubernetes';

test('a ConfigMap keeps what is written into it', async () => {
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { colour: 'blue' },
  });
  await expect('configmap/settings').toMatchResource({ data: { colour: 'blue' } });
});

test('reading what is not there fails with the status of the API server', async () => {
  const api = client(k8s.CoreV1Api); // whatever Kubernetes can be asked for
  const reading = api.readNamespacedConfigMap({ name: 'nothing', namespace: await namespace() });
  await expect(reading).rejects.toThrow(k8s.ApiException);
  await expect(reading).rejects.toMatchObject({ code: 404 });
});
