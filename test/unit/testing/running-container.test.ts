import { runningContainer } from '../../../src/testing/running-container.js';
import { beginTestFile, currentScope, endTestFile } from '../../../src/testing/test-file.js';
import { type FakeCluster, fakeCluster } from '../kubernetes/fake-cluster.js';

const second = (number: number): string => `2026-01-01T00:00:0${number}Z`;
const pod = (name: string, creationTimestamp: string, ready = true) => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name, namespace: 'shop', labels: { app: 'web' }, creationTimestamp },
  spec: { containers: [{ name: 'web' }] },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ name: 'web', state: { running: {} } }],
  },
});

let cluster: FakeCluster;
const before = { ...process.env };
beforeEach(async () => {
  cluster = await fakeCluster('shop');
  const { kubeconfig, context } = cluster.access;
  Object.assign(process.env, { KUBECONFIG: kubeconfig, JEST_KUBERNETES_CONTEXT: context });
  beginTestFile(__filename);
  const metadata = { name: 'web', namespace: 'shop' };
  cluster.put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'web' } } });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await endTestFile();
  await cluster[Symbol.asyncDispose]();
  process.env = { ...before };
});

const found = async (): Promise<string> =>
  (await runningContainer('service/web', { namespace: 'shop', scope: currentScope() })).pod;

test('of two pods made in the same second each call finds the same, whatever the clock does meanwhile', async () => {
  cluster.put(pod('web-1', second(1)));
  cluster.put(pod('web-2', second(1)));
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => (now += 1));
  expect(await found()).toBe('web-1');
});

test('the youngest that is ready comes first', async () => {
  cluster.put(pod('web-1', second(1)));
  cluster.put(pod('web-2', second(2)));
  cluster.put(pod('web-3', second(3), false));
  expect(await found()).toBe('web-2');
});
