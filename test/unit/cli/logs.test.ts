import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Place } from './command.js';

jest.setTimeout(60_000);

const nobody = 'https://127.0.0.1:1';
const withoutEngine = { PATH: '/nowhere', DOCKER_HOST: 'unix:///nowhere/docker.sock' };

test('writes what can be seen where neither the API server nor the engine answers, and prints where', async () => {
  const place = new Place({ 'jest-kubernetes.config.json': { diagnostics: 'seen' } });
  place.cluster('shop');
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: nobody } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'kind-shop', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path.join(place.stateDir, 'clusters/shop/kubeconfig'), JSON.stringify(kubeconfig));
  const { status, stdout, stderr } = await place.run(['logs', 'shop'], withoutEngine);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stdout).toMatch(/^\/.*\/shop\/seen\/\d+T\d+Z-logs-shop$/);
  expect(stderr).toContain('127.0.0.1:1');
  const summary = readFileSync(path.join(stdout, 'summary.txt'), 'utf8');
  expect(summary).toContain('cluster shop (context kind-shop)');
  expect(summary).toContain('nothing has failed');
  expect(summary).toMatch(/likely cause: api-not-answering/);
  expect(existsSync(path.join(stdout, 'host.txt'))).toBe(true);
  // what the page of a failed run is made from
  expect(existsSync(path.join(stdout, 'record.json'))).toBe(false);
});

test('of a cluster that nobody knows there is nothing to see', async () => {
  const place = new Place();
  const { status, stderr } = await place.run(['logs', 'shop'], withoutEngine);
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('No cluster shop is known (NO_CLUSTER)') as string,
  });
});
