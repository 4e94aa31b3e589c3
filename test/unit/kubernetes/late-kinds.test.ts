import { applyObjects, parseManifest } from '../../../src/kubernetes/index.js';
import { silent } from '../../../src/report/index.js';
import { fakeCluster } from './fake-cluster.js';

/* Kinds that come to be while manifests are applied, as an operator among them defines them. */

const widget = `
apiVersion: example.org/v1
kind: Widget
metadata: { name: of-the-operator }
`;
const operator = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: operator }
`;
const configMap = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
`;

test.each([
  ['after it', [operator, widget, configMap]],
  ['before it', [widget, operator, configMap]],
])('an object of a kind that an operator defines is made, where it stands %s', async (_, texts) => {
  await using cluster = await fakeCluster();
  cluster.meanwhile = (request) => {
    if (request.startsWith('PATCH') && request.includes('/statefulsets/'))
      setTimeout(() => {
        cluster.serve({
          apiVersion: 'example.org/v1',
          kind: 'Widget',
          resource: 'widgets',
          namespaced: true,
        });
      }, 400);
  };
  const entries = parseManifest(texts.join('---'), '/k8s.yaml');
  await applyObjects(cluster.access, entries, { signal: AbortSignal.timeout(3000), progress: silent });
  expect(cluster.names().at(-1)).toBe('Widget of-the-operator');
  expect(cluster.names()).toHaveLength(3);
});

test('one of a kind that never comes is told at the end of patience', async () => {
  await using cluster = await fakeCluster();
  const waits: string[] = [];
  const progress = { ...silent, waitingFor: (what: string) => void waits.push(what) };
  const applied = applyObjects(cluster.access, parseManifest([widget, operator].join('---'), '/k8s.yaml'), {
    signal: AbortSignal.timeout(1000),
    progress,
  });
  await expect(applied).rejects.toThrow();
  expect(waits.at(-1)).toBe(
    'Widget of-the-operator of /k8s.yaml:2: the cluster serves no Widget of example.org/v1',
  );
  expect(cluster.names()).toEqual(['StatefulSet operator']);
});
