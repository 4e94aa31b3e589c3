import { changesSince } from '../../../src/diagnose/tests/changes.js';

const since = Date.parse('2026-11-25T12:00:10.400Z');
const deployment = {
  kind: 'Deployment',
  metadata: {
    ...{ name: 'web', namespace: 'shop', creationTimestamp: '2026-11-25T12:00:01Z' },
    managedFields: [
      { manager: 'kubectl', time: '2026-11-25T12:00:01Z', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
      { manager: 'tests', time: '2026-11-25T12:00:12Z', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
      {
        ...{ manager: 'kube-controller-manager', time: '2026-11-25T12:00:14Z' },
        fieldsV1: {
          'f:status': { 'f:conditions': { '.': {}, 'k:{"type":"Ready"}': { '.': {}, 'f:status': {} } } },
        },
      },
    ],
  },
};

test('who has set which fields since a moment, in order', () => {
  expect(changesSince([deployment], since).map(({ object, what }) => `${object}: ${what}`)).toEqual([
    'Deployment shop/web: tests set spec.replicas',
    'Deployment shop/web: kube-controller-manager set status.conditions[Ready].status',
  ]);
});

test('what was made, or is being deleted', () => {
  const metadata = {
    name: 'web',
    creationTimestamp: '2026-11-25T12:00:10Z',
    deletionTimestamp: '2026-11-25T12:00:20Z',
  };
  expect(changesSince([{ kind: 'Namespace', metadata }], since)).toEqual([
    { at: Date.parse('2026-11-25T12:00:10Z'), object: 'Namespace web', what: 'created' },
    { at: Date.parse('2026-11-25T12:00:20Z'), object: 'Namespace web', what: 'is being deleted' },
  ]);
});

test('many fields are counted', () => {
  const fields = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`f:key${String(index)}`, {}]));
  const metadata = {
    name: 'map',
    managedFields: [{ manager: 'a', time: '2026-11-25T12:00:12Z', fieldsV1: { 'f:data': fields } }],
  };
  expect(changesSince([{ kind: 'ConfigMap', metadata }], since)[0]?.what).toBe(
    'a set data.key0, data.key1, data.key2, data.key3, data.key4, data.key5 and 3 more',
  );
});
