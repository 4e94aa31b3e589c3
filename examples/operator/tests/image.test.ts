/** The controller as it is deployed: its image, its ServiceAccount, and no other rights than that has. */
import * as k8s from '@kubernetes/client-node';
import { apply, as, available, forward, logs, namespace, remove, waitFor } from 'jest-kubernetes';

beforeAll(async () => {
  await apply('k8s/operator.yaml');
  await waitFor('deployment/website-operator', available);
});

test('its image serves websites, with the rights of its ServiceAccount', async () => {
  await apply('k8s/website.yaml');
  await waitFor('website/greeting');
  const { url } = await forward('service/greeting');
  expect(await (await fetch(url)).text()).toContain('Hello, cluster!');
  expect(await logs('deployment/website-operator')).toContain(`the websites of ${await namespace()}`);
});

test('what was changed while it was away is done when it is back', async () => {
  await remove({ kind: 'Pod', selector: 'app=website-operator' });
  await apply('k8s/website.yaml', { patch: { spec: { replicas: 2 } } });
  await waitFor('website/greeting');
  await expect('deployment/greeting').toMatchResource({ spec: { replicas: 2 } });
});

const operator = as({ serviceAccount: 'website-operator' });

test.each([
  ['create', 'deployments.apps', true],
  ['patch', 'websites/status', true],
  ['patch', 'websites', false],
  ['delete', 'deployments.apps', false],
  ['get', 'secrets', false],
])('whether it may %s %s: %p', async (verb, resource, may) => {
  expect(await operator.can(verb, resource)).toBe(may);
});

test('its rights end with its namespace', async () => {
  expect(await operator.can('list', 'websites', { namespace: '*' })).toBe(false);
  const reading = operator.client(k8s.CoreV1Api).listNamespacedSecret({ namespace: await namespace() });
  await expect(reading).rejects.toMatchObject({ code: 403 });
});
