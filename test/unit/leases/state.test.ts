import { describeHolder, differences, lostState, parseState } from '../../../src/cluster/leases/state.js';

const good = JSON.stringify(lostState('shop', 'none'));
const user = { runId: 'r', process: { pid: 1, startedAt: 'x' } };

test.each([
  ['empty', '', 'is empty'],
  ['truncated', good.slice(0, good.length / 2), 'is not JSON'],
  ['another kind of thing', '[]', 'is not an object'],
  ['another version', good.replace('"version":1', '"version":2'), 'has an unknown version: 2'],
  ['another phase', good.replace('deleting', 'resting'), 'has an unknown phase: "resting"'],
  ['another cluster’s', good.replace('shop', 'bank'), 'has an unknown name: "bank"'],
  ['a foreign program’s', '{"apiVersion":"v1"}', 'has an unknown version: none'],
])('a state that is %s is told from a good one', (_, text, wrong) => {
  expect(parseState(text, 'shop')).toEqual({ wrong, users: [] });
});

test('a good state is read back', () => {
  expect(parseState(good, 'shop')).toEqual({ state: JSON.parse(good) as unknown });
});

test('of a state that cannot be read, the users are', () => {
  const text = JSON.stringify({ version: 7, leases: { r: user, broken: 4 } });
  expect(parseState(text, 'shop')).toMatchObject({ users: [user] });
});

test('differences are shown where they are', () => {
  const theirs = { image: 'a', kind: { nodes: [{ role: 'worker' }], networking: { ipFamily: 'ipv4' } } };
  const mine = { image: 'a', kind: { nodes: [{ role: 'control-plane' }], name: 'shop' } };
  expect(differences(theirs, mine)).toEqual([
    'kind.nodes.0.role: "worker" there, "control-plane" here',
    'kind.networking.ipFamily: "ipv4" there, not set here',
    'kind.name: not set there, "shop" here',
  ]);
  expect(differences(theirs, structuredClone(theirs))).toEqual([]);
});

test('what one side alone has can be added', () => {
  expect(differences({ image: 'a' }, { image: 'a', postgres: { image: 'postgres:17' } })).toEqual([]);
  expect(differences({ postgres: { image: 'postgres:16' } }, { postgres: { image: 'postgres:17' } })).toEqual(
    ['postgres.image: "postgres:16" there, "postgres:17" here'],
  );
});

test('a holder is described for a person, whatever its clock said', () => {
  const holder = { ...user, cwd: '/shop', command: 'jest --watch', since: 'yesterday' };
  expect(describeHolder(holder)).toBe('jest --watch in /shop (pid 1)');
});
