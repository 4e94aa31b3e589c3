import * as k8s from '@kubernetes/client-node';

import { keepingConnections } from '../../../src/testing/kept-connections.js';
import { beginTestFile, endTestFile } from '../../../src/testing/test-file.js';
import { fakeServer, json, tester } from '../kubernetes/api-server.js';

const KubeConfig = keepingConnections(k8s.KubeConfig);

function configAt(kubeconfig: string): k8s.KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config;
}

test('the calls of one configuration share connections, which end with the test file', async () => {
  await using server = await fakeServer([json({ gitVersion: 'v1' })]);
  beginTestFile('one.test.ts');
  const config = configAt(server.access().kubeconfig);
  const api = config.makeApiClient(k8s.VersionApi);
  for (let calls = 0; calls < 10; calls += 1) await api.getCode();
  const { made } = server.connections;
  // a call may begin before the connection of the one before is free
  expect(made).toBeLessThan(4);
  await endTestFile();
  await until(() => server.connections.open === 0);

  beginTestFile('two.test.ts');
  await api.getCode();
  expect(server.connections.made).toBe(made + 1);
  await endTestFile();
});

test('other credentials have a connection of their own', async () => {
  await using server = await fakeServer([json({ gitVersion: 'v1' })]);
  beginTestFile('one.test.ts');
  const config = configAt(server.access().kubeconfig);
  await config.makeApiClient(k8s.VersionApi).getCode();
  const { 'client-certificate-data': certData } = tester;
  expect(config.getCurrentUser()).toMatchObject({ certData });
  Object.assign(config.getCurrentUser() ?? {}, { certData: undefined, keyData: undefined });
  await config.makeApiClient(k8s.VersionApi).getCode();
  expect(server.asked.map(({ certificate }) => certificate)).toEqual(['tester', undefined]);
  expect(server.connections.made).toBe(2);
  await endTestFile();
});

test('a library without dispatchers, as version 1 is, is left as it is', () => {
  expect(keepingConnections(Object as never)).toBe(Object);
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
