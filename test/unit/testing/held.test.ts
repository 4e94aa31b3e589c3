import { clusterLabel, type KubernetesObject, ownerLabel } from '../../../src/kubernetes/index.js';
import { apply, namespace as testNamespace } from '../../../src/testing/index.js';
import { beginTestFile, endTestFile } from '../../../src/testing/test-file.js';
import { type FakeCluster, fakeCluster } from '../kubernetes/fake-cluster.js';

/* What becomes of what a test applies outside of its namespaces, in a cluster that was there before. */

let cluster: FakeCluster;
const environment = { ...process.env };
beforeEach(async () => {
  cluster = await fakeCluster('shop');
  Object.assign(process.env, {
    KUBECONFIG: cluster.access.kubeconfig,
    JEST_KUBERNETES_CONTEXT: cluster.access.context,
    JEST_KUBERNETES_CLUSTER: 'shop-1',
    JEST_KUBERNETES_OWNER: 'f5e6366d',
    JEST_KUBERNETES_RUN_ID: 'f5e6366d',
  });
  cluster.put(namespace);
  beginTestFile(__filename);
});
afterEach(async () => {
  await endTestFile();
  await cluster[Symbol.asyncDispose]();
  process.env = { ...environment };
});

const namespace: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const prices = (data: object, labels: Record<string, string> = {}) => ({
  ...{ apiVersion: 'v1' as const, kind: 'ConfigMap' as const, data },
  metadata: { name: 'prices', namespace: 'shop', labels },
});
const there = (): KubernetesObject => structuredClone(cluster.get('ConfigMap shop/prices'));
/** What was written, tries left out. */
const written = (): string[] =>
  cluster.asked.filter((line) => /^(POST|PUT|PATCH|DELETE) /.test(line) && !line.includes('dryRun'));

describe('what was there before', () => {
  test('takes no addition, be it for as long as the test file lasts', async () => {
    cluster.put(prices({ a: '1' }));
    const was = there();
    await expect(apply(prices({ a: '1', b: '2' }))).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
      evidence: [expect.stringContaining('it would change .data.b (managed by kubectl')],
    });
    expect(there()).toEqual(was);
    expect(written()).toEqual([]);
    await endTestFile();
    expect(there()).toEqual(was);
  });

  test('is used as it is where it is what the test applies, and stays', async () => {
    cluster.put(prices({ a: '1' }));
    const was = there();
    const [found] = await apply(prices({ a: '1' }));
    expect(found.metadata?.uid).toBe(was.metadata.uid);
    await endTestFile();
    expect(there()).toEqual(was);
    expect(written()).toEqual([]);
  });

  test('is refused where it is another set-up’s, be it the same', async () => {
    cluster.put(prices({ a: '1' }, { [ownerLabel]: '0badcafe', [clusterLabel]: 'shop-2' }));
    await expect(apply(prices({ a: '1' }))).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
      evidence: [expect.stringContaining('the set-up shop-2 has made it')],
    });
    expect(written()).toEqual([]);
  });

  test('that came between the look and the application is given back, and stays', async () => {
    cluster.meanwhile = (request) => {
      if (!request.startsWith('PATCH') || request.includes('dryRun')) return;
      cluster.meanwhile = () => undefined;
      cluster.put(prices({ a: '1' }));
    };
    const applied = await apply(prices({ a: '1' }));
    expect(applied).toHaveLength(1);
    expect(there().metadata.labels).toEqual({});
    await endTestFile();
    expect(there()).toMatchObject({ data: { a: '1' } });
  });
});

describe('what was not there', () => {
  test('is made with the set-up’s mark, and goes with the file', async () => {
    await apply(prices({ a: '1' }));
    expect(there().metadata.labels).toMatchObject({ [ownerLabel]: 'f5e6366d', [clusterLabel]: 'shop-1' });
    await endTestFile();
    expect(cluster.names()).toEqual(['Namespace shop']);
  });

  test('is held by two runs of one set-up, as the shards of a suite apply the same', async () => {
    await apply(prices({ a: '1' }));
    const uid = there().metadata.uid;
    const first = beginTestFile(__filename);
    // as in another shard's process
    process.env['JEST_KUBERNETES_RUN_ID'] = 'a0a0a0a0';
    beginTestFile('/another.test.ts');
    await apply(prices({ a: '1' }));
    await first.scope.end();
    expect(there().metadata.uid).toBe(uid);
    await endTestFile();
    expect(cluster.names()).toEqual(['Namespace shop']);
  });
});

describe('in a cluster of our own, what was there before', () => {
  beforeEach(() => {
    delete process.env['JEST_KUBERNETES_OWNER'];
    cluster.put(prices({ a: '1' }));
  });

  test('takes an addition for as long as the test file lasts', async () => {
    await apply(prices({ a: '1', b: '2' }));
    expect(there()).toMatchObject({ data: { a: '1', b: '2' } });
    await endTestFile();
    expect(there()).toMatchObject({ data: { a: '1' } });
    expect(there()).not.toHaveProperty('data.b');
  });

  test('is not changed where others have set it', async () => {
    await expect(apply(prices({ a: '2' }))).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
      message: expect.stringContaining('not the test’s to change') as string,
    });
    expect(there()).toMatchObject({ data: { a: '1' } });
  });
});

describe('a namespace of the test’s own', () => {
  test('carries the set-up’s mark, as nobody else’s object does, and goes with the file', async () => {
    const name = await testNamespace();
    expect(cluster.get(`Namespace ${name}`).metadata.labels).toMatchObject({
      ...{ [ownerLabel]: 'f5e6366d', [clusterLabel]: 'shop-1', 'jest-kubernetes/run-id': 'f5e6366d' },
    });
    await endTestFile();
    expect(cluster.names()).toEqual(['Namespace shop']);
  });

  test('that somebody else has made anew meanwhile stays', async () => {
    const name = await testNamespace();
    cluster.drop(`Namespace ${name}`);
    cluster.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await endTestFile();
    expect(cluster.names()).toContain(`Namespace ${name}`);
  });
});
