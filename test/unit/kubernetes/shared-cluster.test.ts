import {
  applyObjects,
  clusterLabel,
  deleteOwned,
  type KubernetesObject,
  type Owner,
  ownerLabel,
  parseManifest,
} from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { type FakeCluster, fakeCluster } from './fake-cluster.js';

/* What becomes of objects in a cluster that was there before: on a server that has them in memory. */

let cluster: FakeCluster;
beforeEach(async () => {
  cluster = await fakeCluster('team');
});
afterEach(() => cluster[Symbol.asyncDispose]());

const owner: Owner = { id: 'f5e6366d', cluster: 'shop-1' };
const another: Owner = { id: '0badcafe', cluster: 'shop-1' };

const notes: string[] = [];
beforeEach(() => notes.splice(0));
interface Way {
  by?: Owner;
  conflicts?: 'refuse' | 'leave';
}
const apply = (text: string, { by = owner, conflicts = 'refuse' }: Way = {}): Promise<number> =>
  applyObjects(cluster.access, parseManifest(text, '/k8s.yaml'), {
    signal: AbortSignal.timeout(3000),
    progress: { ...silent, note: (line) => notes.push(line) },
    shared: { owner: by, conflicts },
  });

const namespace = (name: string, more: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name, ...more },
});
const configMap = (name: string, data: object, more: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', data },
  metadata: { name, namespace: 'shop', ...more },
});
const mark = ({ id, cluster: name }: Owner): Record<string, string> => ({
  [ownerLabel]: id,
  [clusterLabel]: name,
});

const shop = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: prices, namespace: shop }
data: { colour: blue }
`;

describe('what is not there', () => {
  test('is created with its owner’s mark, and goes by it', async () => {
    expect(await apply(shop)).toBe(0);
    expect(cluster.get('ConfigMap shop/prices').metadata.labels).toEqual(mark(owner));
    expect(await deleteOwned(cluster.access, owner)).toEqual(
      expect.arrayContaining(['Namespace shop', 'ConfigMap shop/prices']),
    );
    expect(cluster.names()).toEqual([]);
  });

  test('in no namespace goes to the context’s', async () => {
    await apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: prices }');
    expect(cluster.names()).toEqual(['ConfigMap team/prices']);
  });

  test('is applied anew where the same set-up has made it, with its claims’ mark', async () => {
    const database = (replicas: number): string => `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec: { replicas: ${replicas}, volumeClaimTemplates: [{ metadata: { name: files }, spec: {} }] }`;
    await apply(database(1));
    expect(await apply(database(2))).toBe(0);
    expect(cluster.get('StatefulSet team/db')['spec']).toEqual({
      replicas: 2,
      volumeClaimTemplates: [{ metadata: { name: 'files', labels: mark(owner) }, spec: {} }],
    });
  });

  test('is not made where it could not be found again to be deleted', async () => {
    cluster.forbidden = (request) => request.startsWith('GET /api/v1/configmaps?');
    cluster.put(namespace('shop'));
    const elsewhere = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: prices, namespace: shop }';
    await expect(apply(elsewhere)).rejects.toMatchObject({
      ...{
        code: 'MANIFEST_FAILED',
        message: expect.stringContaining('could be made, and not be found again') as unknown,
      },
      evidence: ['/k8s.yaml:1: the kubeconfig’s user may not list configmaps of the whole cluster'],
    });
    expect(cluster.names()).toEqual(['Namespace shop']);
    // in the context's own namespace, and in one that goes as a whole, it could
    expect(await apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: prices }')).toBe(0);
    expect(await apply(shop.replaceAll('shop', 'mine'))).toBe(0);
  });
});

describe('what was there before', () => {
  test('stays as it is where applying changes nothing, unmarked, and is not deleted', async () => {
    const before = [namespace('shop'), configMap('prices', { colour: 'blue', size: 'L' })].map((each) =>
      cluster.put(each),
    );
    expect(await apply(shop)).toBe(2);
    await deleteOwned(cluster.access, owner);
    expect([cluster.get('Namespace shop'), cluster.get('ConfigMap shop/prices')]).toEqual(before);
  });

  test('refuses a change, with the field and its manager, before anything is made', async () => {
    const before = cluster.put(configMap('prices', { colour: 'red' }), 'argocd');
    await expect(apply(shop)).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
      evidence: ['ConfigMap shop/prices of /k8s.yaml:6: it would change .data.colour (managed by argocd)'],
      remedy: expect.stringContaining('cluster.conflicts') as unknown,
    });
    expect(cluster.names()).toEqual(['ConfigMap shop/prices']);
    expect(cluster.get('ConfigMap shop/prices')).toEqual(before);
  });

  test('a secret whose manifest is in plain text is compared as it is stored', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login', namespace: 'team' } };
    const before = cluster.put({ ...secret, data: { user: 'bWU=' } });
    const text = (user: string): string => JSON.stringify({ ...secret, stringData: { user } });
    expect(await apply(text('me'))).toBe(1);
    await expect(apply(text('you'))).rejects.toMatchObject({
      evidence: ['Secret team/login of /k8s.yaml:1: it would change .data.user (managed by kubectl)'],
    });
    expect(cluster.get('Secret team/login')).toEqual(before);
  });

  test('refuses an addition that no manager objects to', async () => {
    cluster.put(configMap('prices', { size: 'L' }), 'helm');
    await expect(apply(shop)).rejects.toMatchObject({
      evidence: [expect.stringContaining('it would change .data.colour (managed by helm)')],
    });
  });

  test('is used as it is where the configuration says so', async () => {
    const before = cluster.put(configMap('prices', { colour: 'red' }), 'argocd');
    cluster.put(namespace('shop'));
    expect(await apply(shop, { conflicts: 'leave' })).toBe(2);
    expect(notes).toEqual([
      'left as it is: ConfigMap shop/prices of /k8s.yaml:6: it would change .data.colour (managed by argocd)',
    ]);
    await deleteOwned(cluster.access, owner);
    expect(cluster.get('ConfigMap shop/prices')).toEqual(before);
  });

  test('that came between the look and the creation is not changed either', async () => {
    cluster.meanwhile = (request) => {
      if (request.startsWith('POST') && !cluster.names().includes('ConfigMap shop/prices'))
        cluster.put(configMap('prices', { colour: 'red' }), 'argocd');
    };
    await expect(apply(shop)).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
    expect(cluster.get('ConfigMap shop/prices')['data']).toEqual({ colour: 'red' });
  });

  test('is compared with the manifest where it may be read alone', async () => {
    cluster.put(namespace('shop'));
    cluster.put(configMap('prices', { colour: 'blue', size: 'L' }));
    cluster.forbidden = (request) => /^(POST|PATCH)/.test(request);
    expect(await apply(shop)).toBe(2);
    cluster.put(configMap('prices', { colour: 'red' }));
    await expect(apply(shop)).rejects.toMatchObject({
      evidence: [expect.stringContaining('it would change .data.colour')],
    });
  });

  test('is waited for while it is being deleted', async () => {
    cluster.put(namespace('shop', { deletionTimestamp: 'now' }));
    let asked = 0;
    cluster.meanwhile = (request) => {
      if (request.startsWith('GET /api/v1/namespaces/shop') && (asked += 1) === 2)
        cluster.drop('Namespace shop');
    };
    expect(await apply(shop)).toBe(0);
    expect(cluster.get('Namespace shop').metadata.labels).toEqual(mark(owner));
  });
});

describe('what another set-up has made, be it of the same name', () => {
  test('is refused, with whose it is', async () => {
    await apply(shop, { by: another });
    await expect(apply(shop)).rejects.toMatchObject({
      code: 'MANIFEST_CONFLICT',
      evidence: [
        expect.stringContaining(
          `Namespace shop of /k8s.yaml:2: the set-up shop-1 has made it (${ownerLabel}=0badcafe`,
        ),
        expect.stringContaining('ConfigMap shop/prices'),
      ],
    });
  });

  test('is not deleted with this one’s', async () => {
    await apply(shop, { by: another });
    await apply(shop.replaceAll('shop', 'mine'));
    await deleteOwned(cluster.access, owner);
    expect(cluster.names()).toEqual(['Namespace shop', 'ConfigMap shop/prices']);
  });
});

describe('at the moment of deleting', () => {
  const onDelete = (path: string, then: () => void): void => {
    cluster.meanwhile = (request) => {
      if (request !== `DELETE ${path}`) return;
      cluster.meanwhile = () => undefined;
      then();
    };
  };
  const prices = '/api/v1/namespaces/shop/configmaps/prices';
  beforeEach(() => {
    cluster.put(namespace('shop'));
    cluster.put(configMap('prices', {}, { labels: mark(owner) }));
  });

  test('an object that has changed and is still the owner’s goes', async () => {
    onDelete(prices, () => cluster.put(configMap('prices', { colour: 'red' }, { labels: mark(owner) })));
    await deleteOwned(cluster.access, owner);
    expect(cluster.names()).toEqual(['Namespace shop']);
  });

  test('one whose mark is another’s by now stays', async () => {
    onDelete(prices, () => cluster.put(configMap('prices', {}, { labels: mark(another) })));
    await deleteOwned(cluster.access, owner);
    expect(cluster.names()).toEqual(['Namespace shop', 'ConfigMap shop/prices']);
  });

  test('one that somebody else has made in its place stays', async () => {
    onDelete(prices, () => {
      cluster.drop('ConfigMap shop/prices');
      cluster.put(configMap('prices', { made: 'by hand' }));
    });
    await deleteOwned(cluster.access, owner);
    expect(cluster.get('ConfigMap shop/prices')['data']).toEqual({ made: 'by hand' });
  });

  test('the pods of a namespace that somebody else has made in its place stay', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'mine' } };
    cluster.put(namespace('mine', { labels: mark(owner) }));
    onDelete('/api/v1/namespaces/mine', () => {
      cluster.drop('Namespace mine');
      cluster.put(namespace('mine'));
      cluster.put(pod);
    });
    await deleteOwned(cluster.access, owner);
    expect(cluster.names()).toEqual(['Namespace shop', 'Namespace mine', 'Pod mine/web']);
  });
});

describe('what may not be deleted', () => {
  test('does not keep the rest, and is told with the right that is missing', async () => {
    for (const name of ['a', 'b', 'c']) cluster.put(configMap(name, {}, { labels: mark(owner) }));
    cluster.forbidden = (request) => request === 'DELETE /api/v1/namespaces/shop/configmaps/b';
    await expect(deleteOwned(cluster.access, owner)).rejects.toMatchObject({
      code: 'CLUSTER_DELETE_FAILED',
      evidence: [
        'left: ConfigMap shop/b (it takes the right to delete configmaps in the namespace shop: configmaps is forbidden: User "tester" cannot delete resource "configmaps" in the namespace "shop")',
      ],
      remedy: 'kubectl --context here --namespace shop delete configmaps b',
    });
    expect(cluster.names()).toEqual(['ConfigMap shop/b']);
  });

  test('is left to what it belongs to', async () => {
    const labels = mark(owner);
    const of = (kind: string, apiVersion: string, more: object = {}): KubernetesObject => ({
      ...{ kind, apiVersion },
      metadata: { name: 'web', namespace: 'shop', labels, ...more },
    });
    cluster.put(of('Service', 'v1'));
    cluster.put(of('Endpoints', 'v1'));
    cluster.put(of('EndpointSlice', 'discovery.k8s.io/v1', { ownerReferences: [{ controller: true }] }));
    cluster.forbidden = (request) => /^DELETE .*endpoint/.test(request);
    expect(await deleteOwned(cluster.access, owner)).toEqual(['Service shop/web']);
  });

  test('but what the manifests themselves name of that kind goes', async () => {
    const metadata = { name: 'outside', namespace: 'shop', labels: mark(owner) };
    cluster.put({ kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata });
    cluster.put({ kind: 'Endpoints', apiVersion: 'v1', metadata });
    await deleteOwned(cluster.access, owner);
    expect(cluster.names()).toEqual([]);
  });
});

test('what is made while the rest goes is deleted too', async () => {
  cluster.put(configMap('a', {}, { labels: mark(owner) }));
  cluster.meanwhile = (request) => {
    if (!request.startsWith('DELETE')) return;
    cluster.meanwhile = () => undefined;
    cluster.put(configMap('late', {}, { labels: mark(owner) }));
  };
  await deleteOwned(cluster.access, owner);
  expect(cluster.names()).toEqual([]);
});

describe('a set-up whose record is lost', () => {
  const lost: Owner = { id: '', cluster: 'shop-1' };

  test('is not deleted by guess: what has its name is told, and how to look', async () => {
    cluster.put(configMap('prices', {}, { labels: mark(owner) }));
    await expect(deleteOwned(cluster.access, lost)).rejects.toMatchObject({
      code: 'CLUSTER_DELETE_FAILED',
      evidence: [`there: ConfigMap shop/prices (${ownerLabel}=f5e6366d)`],
      remedy: expect.stringMatching(
        /get configmaps --all-namespaces --selector jest-kubernetes\/cluster=shop-1 .*--namespace team delete lease jest-kubernetes\.shop-1$/,
      ) as unknown,
    });
    expect(cluster.asked.filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });

  test('is nothing where nothing has its name', async () => {
    cluster.put(configMap('prices', {}));
    expect(await deleteOwned(cluster.access, lost)).toEqual([]);
  });
});
