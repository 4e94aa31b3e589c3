/** The controller in the test's own process: a breakpoint in it works, and it is what coverage counts. */
import {
  apply,
  condition,
  deleted,
  eventually,
  forward,
  kubeConfig,
  namespace,
  remove,
  waitFor,
} from 'jest-kubernetes';
import { Controller } from '../src/controller';
import type { Website } from '../src/website';

let controller: Controller;

beforeAll(async () => {
  controller = new Controller(kubeConfig(), await namespace());
  await controller.start();
});
afterAll(() => controller.stop());

const website = (name: string, spec: Website['spec']): Website => ({
  ...{ apiVersion: 'example.com/v1', kind: 'Website' },
  ...{ metadata: { name }, spec },
});
const textOf = async (url: string): Promise<string> => (await fetch(url)).text();

test('a website is served, and a change of it is rolled out', async () => {
  await apply(website('shop', { template: '<h1>{{ title }}</h1>', values: { title: 'Open' } }));
  await waitFor('website/shop'); // is Ready, in the version that was applied
  const { url } = await forward('service/shop');
  expect(await textOf(url)).toBe('<h1>Open</h1>');

  await apply(
    website('shop', { template: '<h1>{{ title }}</h1>', values: { title: 'Closed' }, replicas: 2 }),
  );
  await waitFor('website/shop');
  await expect('deployment/shop').toMatchResource({ status: { availableReplicas: 2 } });
  await eventually(async () => expect(await textOf(url)).toBe('<h1>Closed</h1>'));
});

test('a spec that makes no sense is told, and can be mended', async () => {
  await apply(website('broken', { template: 'Hello, {{ whom }}' }));
  await waitFor('website/broken', condition('Ready', 'False'));
  const message = 'spec.template names ‘whom’, which spec.values lacks';
  await expect('website/broken').toMatchResource({
    status: { conditions: [{ reason: 'InvalidSpec', message }] },
  });
  await eventually(() => expect('website/broken').toHaveEvent({ type: 'Warning', message: /whom/ }));
  await waitFor('deployment/broken', deleted); // there is none

  await apply(website('broken', { template: 'Hello, {{ whom }}', values: { whom: 'world' } }));
  await waitFor('website/broken');
  await expect('website/broken').toHaveCondition('Ready');
});

test('what its schema refuses never comes to the controller', async () => {
  const applying = apply(website('none', { template: '', replicas: -1 }));
  await expect(applying).rejects.toThrow(/spec.replicas/);
});

test('what somebody deletes comes back', async () => {
  await apply(website('firm', { template: 'still here' }));
  const [, deployment] = await waitFor(['website/firm', 'deployment/firm']);
  await remove(['service/firm', deployment]);
  await waitFor(['website/firm', 'deployment/firm', 'service/firm']);
});

test('what it made goes with a website', async () => {
  await apply(website('brief', { template: 'gone soon' }));
  await waitFor('website/brief');
  await remove('website/brief');
  for (const kind of ['deployment', 'service', 'configmap']) await waitFor(`${kind}/brief`, deleted);
});
