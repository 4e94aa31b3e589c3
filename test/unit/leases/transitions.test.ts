import { begin, finish } from '../../../src/cluster/leases/ledger.js';
import { type ClusterState, type Lease, lostState } from '../../../src/cluster/leases/state.js';
import {
  arrive,
  becomeReady,
  depart,
  fail,
  gone,
  removalFailed,
  replace,
  rest,
  takeDown,
  type Wanted,
} from '../../../src/cluster/leases/transitions.js';
import type { KeepPolicy } from '../../../src/config/config.js';

const run = (runId: string, keep: KeepPolicy = 'never'): Lease => ({
  ...{ runId, keep, cwd: '/shop', command: 'jest', since: '2026-01-01T00:00:00Z' },
  process: { pid: runId.length, startedAt: runId },
});
const wanted: Wanted = {
  made: { image: 'kindest/node:v1' },
  removal: { provider: 'kind', name: 'shop', runtime: null },
};
const other: Wanted = { ...wanted, made: { image: 'kindest/node:v2' } };
const access = { name: 'shop', kubeconfig: '/state/kubeconfig', context: 'kind-shop' };
const [ann, bob, cid] = [run('ann'), run('bob'), run('cid')];
const alive =
  (...runs: Lease[]) =>
  ({ runId }: { runId: string }) =>
    runs.some((one) => one.runId === runId);
const nobody = alive();

/** What a creator leaves behind when the cluster is ready, and what others that join it do to that. */
function readyBy(creator: Lease, ...joiners: Lease[]): ClusterState {
  let state = becomeReady(arrive(undefined, creator, wanted, nobody).state, creator.runId, access).state;
  for (const joiner of joiners) state = arrive(state, joiner, wanted, alive(creator, ...joiners)).state;
  return state as ClusterState;
}
const creatingBy = (creator: Lease) => arrive(undefined, creator, wanted, nobody).state as ClusterState;
const deletingBy = (deleter: Lease) =>
  depart(readyBy(deleter), deleter, deleter.runId, alive(deleter)).state as ClusterState;

describe('a cluster on standby', () => {
  const sue: Lease = { ...run('sue'), standby: 'busy' };
  const isRight = (state: ClusterState, standby: NonNullable<Lease['standby']>): ClusterState => {
    const change = rest(state, 'sue', standby);
    expect(change.result).toBe(true);
    return change.state as ClusterState;
  };

  test('is taken by the first run that comes, and is that run’s alone from then on', () => {
    const paused = isRight(readyBy(sue), 'paused');
    const taken = arrive(paused, ann, wanted, alive(sue, ann));
    expect(taken.result).toMatchObject({ to: 'join', wasStandby: true, wasKept: false });
    expect(Object.keys(taken.state?.leases ?? {})).toEqual(['ann']);
    expect(rest(taken.state, 'sue', 'running')).toEqual({ state: taken.state, result: false });
    expect(depart(taken.state, sue, 'sue', alive(sue, ann)).result).toEqual({ to: 'leave' });
    expect(depart(taken.state, ann, 'ann', alive(sue, ann)).result).toMatchObject({ to: 'delete' });
    expect(arrive(taken.state, bob, wanted, alive(ann, bob)).result).toMatchObject({ wasStandby: false });
  });

  test('is waited for while it is prepared, or told to stand still', () => {
    const [creating, ready] = [creatingBy(sue), readyBy(sue)];
    expect(arrive(creating, ann, wanted, alive(sue, ann)).result).toMatchObject({
      to: 'wait',
      doing: 'creating',
    });
    for (const each of [wanted, other])
      expect(arrive(ready, ann, each, alive(sue, ann)).result).toMatchObject({
        to: 'wait',
        doing: 'preparing',
      });
  });

  test('keeps nobody from another configuration, nor from taking it down', () => {
    const paused = isRight(readyBy(sue), 'paused');
    expect(arrive(paused, ann, other, alive(sue, ann)).result).toMatchObject({ to: 'delete' });
    expect(takeDown(paused, ann, alive(sue, ann), { evenInUse: false }).result).toMatchObject({
      to: 'delete',
    });
  });

  test('stays while the one that holds it lives, and goes with it', () => {
    const paused = isRight(readyBy(sue), 'paused');
    expect(depart(paused, bob, undefined, alive(sue, bob)).result).toEqual({ to: 'leave' });
    expect(depart(paused, bob, 'bob', alive(sue, bob)).result).toEqual({ to: 'leave' });
    expect(depart(paused, bob, undefined, alive(bob)).result).toMatchObject({ to: 'delete' });
    expect(depart(paused, sue, 'sue', alive(sue)).result).toMatchObject({ to: 'delete' });
    // its containers may stand still: whoever comes has them go on
    expect(arrive(paused, ann, wanted, alive(ann)).result).toMatchObject({ to: 'join' });
  });

  test('is made beside nothing that is there', () => {
    for (const there of [readyBy(ann), creatingBy(ann)])
      expect(arrive(there, sue, wanted, alive(sue, ann)).result).toMatchObject({ to: 'refuse' });
    const paused = isRight(readyBy(sue), 'paused');
    const second: Lease = { ...run('another'), standby: 'busy' };
    expect(arrive(paused, second, wanted, alive(sue, second)).result).toMatchObject({ to: 'refuse' });
  });

  test('of others is not told to rest', () => {
    expect(rest(readyBy(ann), 'ann', 'paused').result).toBe(false);
    expect(rest(undefined, 'sue', 'paused').result).toBe(false);
  });
});

describe('a run that arrives', () => {
  test('brings what can be added, and from then on that counts', () => {
    const more: Wanted = { ...wanted, made: { ...wanted.made, postgres: { image: 'postgres:17' } } };
    const added = arrive(readyBy(ann), bob, more, alive(ann, bob));
    expect(added).toMatchObject({ result: { to: 'join' }, state: { made: more.made } });
    const otherwise: Wanted = { ...wanted, made: { ...wanted.made, postgres: { image: 'postgres:16' } } };
    expect(arrive(added.state, cid, otherwise, alive(ann, bob, cid)).result).toMatchObject({
      to: 'refuse',
      differing: ['postgres.image: "postgres:17" there, "postgres:16" here'],
    });
  });

  test('finds what was done, but for what lasts only while the cluster is in use', () => {
    const done = { state: 'done' as const, value: true };
    const used = { ...readyBy(ann), ledger: { 'image:redis': done, 'template:abc': done } };
    expect(Object.keys(arrive(used, bob, wanted, alive(ann, bob)).state?.ledger ?? {})).toEqual([
      'image:redis',
      'template:abc',
    ]);
    expect(Object.keys(arrive(used, bob, wanted, alive(bob)).state?.ledger ?? {})).toEqual(['image:redis']);
  });

  test.each<[string, ClusterState | undefined, Wanted, Lease[], string]>([
    ['creates what is not there', undefined, wanted, [], 'create'],
    ['waits while a live run creates it', creatingBy(ann), wanted, [ann], 'wait'],
    ['deletes what a dead creator left', creatingBy(ann), wanted, [], 'delete'],
    ['refuses to wait for one that it could not use', creatingBy(ann), other, [ann], 'refuse'],
    ['joins one that is ready', readyBy(ann), wanted, [ann], 'join'],
    ['joins one whose users were all killed', readyBy(ann), wanted, [], 'join'],
    ['is refused when one in use was made otherwise', readyBy(ann), other, [ann], 'refuse'],
    ['deletes one made otherwise that nobody uses', readyBy(ann), other, [], 'delete'],
    ['waits while a live run deletes it', deletingBy(ann), wanted, [ann], 'wait'],
    ['goes on where a dead deleter stopped', deletingBy(ann), wanted, [], 'delete'],
    ['deletes what a lost state may have described', lostState('shop', 'is empty'), wanted, [], 'delete'],
  ])('%s', (_, found, wants, living, to) => {
    expect(arrive(found, bob, wants, alive(...living)).result.to).toBe(to);
  });

  test('becomes the only deleter: the next one waits for it', () => {
    const { state } = arrive(creatingBy(ann), bob, wanted, nobody);
    expect(arrive(state, cid, wanted, alive(bob)).result).toMatchObject({ to: 'wait', holder: bob });
    expect(gone(state, cid).state).toBe(state);
    expect(gone(state, bob).state).toBeUndefined();
  });

  test('learns what differs and who uses it', () => {
    const { result } = arrive(readyBy(ann), bob, other, alive(ann));
    expect(result).toEqual({
      to: 'refuse',
      differing: ['image: "kindest/node:v1" there, "kindest/node:v2" here'],
      users: [ann],
    });
  });

  test('forgets the leases of the dead', () => {
    expect(Object.keys(arrive(readyBy(ann), bob, wanted, nobody).state?.leases ?? {})).toEqual(['bob']);
  });

  test('deletes a lost cluster in its own way', () => {
    expect(arrive(lostState('shop', ''), bob, wanted, nobody).state?.removal).toEqual(wanted.removal);
  });
});

describe('a run that departs', () => {
  const departs = (state: ClusterState | undefined, me: Lease, ...living: Lease[]) =>
    depart(state, me, me.runId, alive(me, ...living));

  test('leaves the cluster to those who use it', () => {
    const { state, result } = departs(readyBy(ann, bob), ann, bob);
    expect(result).toEqual({ to: 'leave' });
    expect(Object.keys(state?.leases ?? {})).toEqual(['bob']);
  });

  test('deletes it when the others are dead', () => {
    expect(departs(readyBy(ann, bob), ann).result.to).toBe('delete');
  });

  test('deletes what it was creating, and leaves what another creates', () => {
    expect(departs(creatingBy(ann), ann).result.to).toBe('delete');
    expect(departs(creatingBy(ann), bob, ann).result.to).toBe('leave');
  });

  test('lets the work that it was doing be done by another', () => {
    const state = begin(readyBy(ann, bob), 'ann', 'images', alive(ann, bob)).state as ClusterState;
    expect(departs(state, ann, bob).state?.ledger).toEqual({});
  });

  test.each<[KeepPolicy, KeepPolicy, boolean, string]>([
    ['never', 'never', true, 'delete'],
    ['on-failure', 'never', false, 'delete'],
    ['on-failure', 'never', true, 'keep'],
    ['never', 'on-failure', true, 'keep'],
    ['never', 'always', false, 'keep'],
  ])('with keep %s of one run and %s of another, failed: %s → %s', (first, second, failed, to) => {
    const both = readyBy(run('ann', first), run('bob', second));
    const state = (failed ? fail(both, 'ann').state : both) as ClusterState;
    const left = departs(state, ann, bob).state as ClusterState;
    expect(departs(left, bob).result.to).toBe(to);
  });

  test('keeps for a failure only until a run passes, but for `always` until it is taken down', () => {
    for (const [keep, after] of [
      ['on-failure', 'delete'],
      ['always', 'keep'],
    ] as const) {
      const failed = fail(readyBy(run('ann', keep)), 'ann').state as ClusterState;
      const kept = departs(failed, ann).state as ClusterState;
      expect(kept.kept?.reason).toBe(keep);
      const joined = arrive(kept, bob, wanted, nobody).state as ClusterState;
      expect(departs(joined, bob).result.to).toBe(after);
    }
  });

  test('without a way to delete it, leaves a lost cluster to one who has', () => {
    const lost = lostState('shop', 'is empty');
    expect(depart(lost, ann, 'ann', nobody).result.to).toBe('leave');
    expect(depart(lost, ann, 'ann', nobody, wanted.removal).result.to).toBe('delete');
  });
});

describe('one that passes by', () => {
  const passes = (state: ClusterState, ...living: Lease[]) =>
    depart(state, cid, undefined, alive(...living)).result.to;

  test('deletes what the dead left, in any phase, and nothing that somebody uses, makes or deletes', () => {
    for (const state of [creatingBy(ann), readyBy(ann), deletingBy(ann)]) {
      expect(passes(state)).toBe('delete');
      expect(passes(state, ann)).toBe('leave');
    }
  });

  test('keeps what a run that was killed had asked to keep', () => {
    expect(passes(readyBy(run('ann', 'always')))).toBe('keep');
  });
});

describe('taking down', () => {
  const down = (state: ClusterState | undefined, evenInUse: boolean, ...living: Lease[]) =>
    takeDown(state, cid, alive(...living), { evenInUse }).result;

  test('names the users instead, unless it is to be deleted even so', () => {
    expect(down(readyBy(ann), false, ann)).toEqual({ to: 'leave', users: [ann] });
    expect(down(readyBy(ann), true, ann).to).toBe('delete');
    expect(down(readyBy(run('ann', 'always')), false).to).toBe('delete');
    expect(down(undefined, true)).toEqual({ to: 'leave', users: [] });
  });

  test('never starts a second deletion', () => {
    expect(down(deletingBy(ann), true, ann).to).toBe('leave');
  });

  test('takes the cluster from a run that still uses it: it can tell', () => {
    const { state } = takeDown(readyBy(ann), cid, alive(ann), { evenInUse: true });
    expect(begin(state, 'ann', 'images', alive(ann, cid)).result).toEqual({ to: 'lost' });
    expect(finish(state, 'ann', 'images', 1).result).toBe(false);
    expect(becomeReady(state, 'ann', access).result).toBe(false);
  });
});

describe('a run that has joined a cluster that does not answer', () => {
  test('takes it down, unless another live run has come meanwhile: both in one step', () => {
    expect(replace(readyBy(ann, bob), bob, alive(ann, bob)).result).toEqual({ to: 'leave', users: [ann] });
    const answer = replace(readyBy(ann, bob), bob, alive(bob));
    expect(answer).toMatchObject({ result: { to: 'delete' }, state: { phase: 'deleting', leases: {} } });
  });

  test('leaves what is being deleted, or is gone, to whoever does it', () => {
    expect(replace(deletingBy(ann), bob, alive(ann, bob)).result).toEqual({ to: 'leave', users: [] });
    expect(replace(undefined, bob, alive(bob)).result).toEqual({ to: 'leave', users: [] });
  });
});

describe('work done once', () => {
  const state = begin(readyBy(ann, bob), 'ann', 'images', alive(ann, bob)).state as ClusterState;

  test('is waited for while its doer lives', () => {
    expect(begin(state, 'bob', 'images', alive(ann, bob)).result).toEqual({ to: 'wait', holder: ann });
  });

  test('is taken over from the dead, and after a failure', () => {
    expect(begin(state, 'bob', 'images', alive(bob)).result).toEqual({ to: 'do' });
    const failed = finish(state, 'ann', 'images').state;
    expect(begin(failed, 'bob', 'images', alive(ann, bob)).result).toEqual({ to: 'do' });
  });

  test('is not done again, even when its value is null', () => {
    const done = finish(state, 'ann', 'images', null).state;
    expect(begin(done, 'bob', 'images', alive(bob)).result).toEqual({ to: 'take', value: null });
  });
});

test('a deletion that failed is nobody’s any more: the next one tries again at once', () => {
  const { state } = removalFailed(deletingBy(ann), ann, 'a volume is in use');
  expect(state?.problem).toBe('a volume is in use');
  expect(arrive(state, bob, wanted, alive(ann)).result).toMatchObject({
    to: 'delete',
    why: 'a volume is in use',
  });
});
