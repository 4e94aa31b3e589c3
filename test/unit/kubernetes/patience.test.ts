import { ApiError } from '../../../src/kubernetes/api-error.js';
import { patienceWith } from '../../../src/kubernetes/patience.js';

test.each<[number, string, number]>([
  [409, 'the object has been modified', Infinity],
  [429, 'too many requests', Infinity],
  [503, 'etcdserver: no leader', Infinity],
  [500, 'failed calling webhook "x.example.com": connection refused', Infinity],
  [500, 'Internal error occurred: failed to allocate a serviceIP: allocator not ready', Infinity],
  [500, 'Internal error occurred: no such thing', 0],
  [403, 'error looking up service account default/default: serviceaccount "default" not found', Infinity],
  [403, 'pods is forbidden', 0],
  [404, 'namespaces "shop" not found', 20_000],
  [404, 'pods "web" not found', 0],
  [422, 'spec.replicas: Invalid value', 0],
])('a refusal with %i “%s” is worth %d ms of trying again', (status, message, milliseconds) => {
  expect(patienceWith(new ApiError(status, '', message))).toBe(milliseconds);
});

test('no answer at all is waited out', () => {
  expect(patienceWith(new Error('connect ECONNREFUSED'))).toBe(Infinity);
});
