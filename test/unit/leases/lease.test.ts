import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  deleteAbandoned,
  failureMark,
  type LeaseOptions,
  listClusters,
  openCluster,
  takeDown,
} from '../../../src/cluster/leases/index.js';
import { JestKubernetesError } from '../../../src/support/errors.js';

let stateDir: string;
let removed: string[];
beforeEach(() => {
  stateDir = join(mkdtempSync(join(tmpdir(), 'jest-kubernetes-leases-')), 'state');
  removed = [];
});
afterEach(() => {
  rmSync(join(stateDir, '..'), { recursive: true, force: true });
});

type LeaseKeep = 'never' | 'always' | 'on-failure';
const removal = { provider: 'kind' as const, name: 'shop', runtime: null };
const wanted = { made: { image: 'v1' }, removal, keep: 'never' as const };
const access = { name: 'shop', kubeconfig: '/k', context: 'kind-shop' };
const open = (runId: string, options: Partial<LeaseOptions> = {}) =>
  openCluster({
    ...{ stateDir, name: 'shop', runId },
    deleteCluster: ({ name }) => {
      removed.push(name);
      return Promise.resolve();
    },
    ...options,
  });
async function created(runId: string, keep: LeaseKeep = 'never') {
  const lease = open(runId);
  expect(await lease.acquire({ ...wanted, keep })).toEqual({ role: 'create' });
  await lease.ready(access);
  return lease;
}
/** Resolves with the first call's arguments. */
function firstCall<Arguments extends unknown[]>() {
  let called: (value: Arguments) => void = () => undefined;
  const call = new Promise<Arguments>((resolve) => (called = resolve));
  return {
    call,
    report: (...values: Arguments) => {
      called(values);
    },
  };
}

test('the first creates, the next joins when it is ready, the last deletes', async () => {
  const first = open('first');
  await first.acquire(wanted);
  const waits = firstCall<[string, string]>();
  const second = open('second', { onWait: waits.report });
  const joining = second.acquire(wanted);
  expect(await waits.call).toEqual([expect.stringContaining(`(pid ${process.pid})`), 'creating the cluster']);
  await first.ready(access);
  expect(await joining).toMatchObject({ role: 'join', state: { access } });
  expect(await first.release()).toBe('left');
  expect(removed).toEqual([]);
  expect(await second.release()).toBe('deleted');
  expect(removed).toEqual(['shop']);
  expect(readdirSync(join(stateDir, 'clusters'))).toEqual([]);
  expect(readdirSync(stateDir).sort()).toEqual(['clusters', 'jest-kubernetes.json', 'lock']);
});

test('one that waits can be stopped', async () => {
  await open('first').acquire(wanted);
  const stop = new AbortController();
  const waits = firstCall<[string, string]>();
  const joining = open('second', { onWait: waits.report, signal: stop.signal }).acquire(wanted);
  await waits.call;
  stop.abort(new Error('Ctrl-C'));
  await expect(joining).rejects.toThrow();
});

test('a creator that fails lets the one that waits create it', async () => {
  const first = open('first');
  await first.acquire(wanted);
  const waits = firstCall<[string, string]>();
  const joining = open('second', { onWait: waits.report }).acquire(wanted);
  await waits.call;
  expect(await first.release()).toBe('deleted');
  expect(await joining).toEqual({ role: 'create' });
});

test('another configuration is refused with the difference and the user', async () => {
  await created('first');
  const refused = open('second').acquire({ ...wanted, made: { image: 'v2' } });
  await expect(refused).rejects.toThrow(JestKubernetesError);
  const { code, evidence } = (await refused.catch(
    (error: unknown) => error as JestKubernetesError,
  )) as JestKubernetesError;
  expect(code).toBe('CONFIG_CONFLICT');
  expect(evidence).toEqual([
    'image: "v1" there, "v2" here',
    expect.stringMatching(new RegExp(`^used by .* \\(pid ${process.pid}\\), since \\d\\d:\\d\\d:\\d\\d$`)),
  ]);
});

test('of those that share a cluster, the last says that it is kept, whoever made it', async () => {
  const first = await created('first', 'always');
  const second = open('second');
  await second.acquire(wanted);
  expect(await first.release()).toBe('left');
  expect(await second.release()).toBe('kept');
});

test('a kept cluster is joined, and replaced when it no longer fits', async () => {
  const first = await created('first', 'always');
  expect(await first.release()).toBe('kept');
  const second = open('second');
  expect(await second.acquire(wanted)).toMatchObject({ role: 'join' });
  expect(await second.release()).toBe('kept again');
  const notes: string[] = [];
  const third = open('third', { onNote: (line) => notes.push(line) });
  expect(await third.acquire({ ...wanted, made: { image: 'v2' } })).toEqual({ role: 'create' });
  expect(removed).toEqual(['shop']);
  expect(notes).toEqual([
    'deleting the cluster shop first: it was made from another configuration (image: "v1" there, "v2" here)',
  ]);
});

test('work is done once: those who come meanwhile wait, and take its value', async () => {
  const first = await created('first');
  const waits = firstCall<[string, string]>();
  const second = open('second', { onWait: waits.report });
  await second.acquire(wanted);
  let done: (value: string) => void = () => undefined;
  const one = first.once('images', () => new Promise<string>((resolve) => (done = resolve)));
  const two = second.once('images', () => Promise.reject(new Error('done a second time')));
  expect((await waits.call)[1]).toBe('images');
  done('sha256:1');
  expect(await Promise.all([one, two])).toEqual(['sha256:1', 'sha256:1']);
});

test('work that fails is tried by the next one', async () => {
  const first = await created('first');
  await expect(first.once('images', () => Promise.reject(new Error('no space left')))).rejects.toThrow(
    'no space left',
  );
  expect(await first.once('images', () => Promise.resolve(2))).toBe(2);
});

test('a deletion that fails says so, and is made up for by whoever comes next', async () => {
  const failing = open('first', {
    deleteCluster: () => Promise.reject(new Error('the engine does not answer')),
  });
  await failing.acquire(wanted);
  await failing.ready(access);
  await expect(failing.release()).rejects.toThrow('the engine does not answer');
  expect(listClusters(stateDir)).toMatchObject([
    { name: 'shop', state: { phase: 'deleting', problem: 'the engine does not answer' } },
  ]);
  const deleteCluster = ({ name }: { name: string }) => Promise.resolve(void removed.push(name));
  expect(await deleteAbandoned({ stateDir, deleteCluster, onFailure: fail })).toEqual(['shop']);
  expect(listClusters(stateDir)).toEqual([]);

  function fail(_: string, error: unknown) {
    throw error;
  }
});

test('a run whose cluster was taken down is told so', async () => {
  const lease = await created('first');
  const deleteCluster = () => Promise.resolve();
  expect(await takeDown({ stateDir, name: 'shop', deleteCluster })).toMatchObject({ outcome: 'in use' });
  expect(await takeDown({ stateDir, name: 'shop', deleteCluster, evenInUse: true })).toEqual({
    outcome: 'deleted',
  });
  await expect(lease.once('images', () => Promise.resolve(1))).rejects.toMatchObject({ code: 'NO_CLUSTER' });
  expect(await lease.release()).toBe('left');
});

test('a clock that jumps changes nothing', async () => {
  const first = await created('first');
  jest.useFakeTimers({ now: 0, doNotFake: ['setTimeout', 'performance', 'nextTick', 'setImmediate'] });
  try {
    const second = open('second');
    expect(await second.acquire(wanted)).toMatchObject({ role: 'join' });
    jest.setSystemTime(new Date('2099-01-01'));
    expect(
      await deleteAbandoned({ stateDir, deleteCluster: () => Promise.resolve(), onFailure: () => undefined }),
    ).toEqual([]);
    expect(await first.release()).toBe('left');
    expect(await second.release()).toBe('deleted');
  } finally {
    jest.useRealTimers();
  }
});

test('others on the machine can read neither the state nor its folders', async () => {
  await created('first');
  const modeOf = (...path: string[]) => (statSync(join(stateDir, ...path)).mode & 0o777).toString(8);
  expect([modeOf(), modeOf('clusters'), modeOf('clusters', 'shop')]).toEqual(['700', '700', '700']);
  expect([modeOf('lock'), modeOf('clusters', 'shop', 'state.json')]).toEqual(['600', '600']);
});

test('a lock file that somebody wrote into is emptied', async () => {
  await created('first');
  writeFileSync(join(stateDir, 'lock'), 'what is this for? '.repeat(100));
  expect(await open('second').acquire(wanted)).toMatchObject({ role: 'join' });
});

test("a worker's mark of a failed test keeps what is kept on failure, and goes with the lease", async () => {
  const red = await created('red', 'on-failure');
  writeFileSync(failureMark(stateDir, 'red'), '');
  // whoever comes upon the state, should both the run and its watchdog have died
  expect(listClusters(stateDir)[0]?.state.failed).toBe(true);
  expect(await red.release()).toBe('kept');
  expect(readdirSync(stateDir).filter((name) => name.startsWith('failed-'))).toEqual([]);
  expect(removed).toEqual([]);
});

test("another run's mark is none of this run's", async () => {
  const green = await created('green', 'on-failure');
  writeFileSync(failureMark(stateDir, 'red'), '');
  expect(await green.release()).toBe('deleted');
});
