import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import {
  discardRemains,
  findAbandoned,
  listClusters,
  openCluster,
  takeDown,
} from '../../../src/cluster/leases/index.js';
import { Mutex } from '../../../src/cluster/leases/mutex.js';
import type { ClusterState } from '../../../src/cluster/leases/state.js';
import { identifyProcess, standingOf } from '../../../src/support/process-identity.js';
import { compileSource } from './compiled.js';

/*
 * A state directory that two pid namespaces share, as two containers of a CI job do: a pid of the one is another
 * process, or none, in the other. Making a namespace is root's.
 */
const inNamespaces = process.platform === 'linux' && process.getuid?.() === 0 ? test : test.skip;

let compiled: ReturnType<typeof compileSource>;
let stateDir: string;
let children: ChildProcess[];
beforeAll(() => {
  compiled = compileSource();
}, 60_000);
afterAll(() => {
  compiled.remove();
});
beforeEach(() => {
  stateDir = join(mkdtempSync(join(tmpdir(), 'jest-kubernetes-elsewhere-')), 'state');
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(join(stateDir, '..'), { recursive: true });
});

const removal = { provider: 'kind', name: 'shop', runtime: null };

/** A run in a pid namespace of its own that has taken its lease, and goes on until it is killed. */
async function runInContainer(): Promise<ChildProcess> {
  const script = `
    const { openCluster } = require(${JSON.stringify(join(compiled.folder, 'cluster/leases/index.js'))});
    const deleteCluster = async () => {};
    const lease = openCluster({ stateDir: ${JSON.stringify(stateDir)}, name: 'shop', runId: 'inside', deleteCluster });
    lease.acquire({ made: {}, removal: ${JSON.stringify(removal)}, keep: 'never' }).then(async () => {
      await lease.ready({ name: 'shop', kubeconfig: '/k', context: 'shop' });
      console.log(process.pid);
      setInterval(() => undefined, 1000);
    });`;
  const child = spawn(
    'unshare',
    ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  for await (const line of createInterface(child.stdout)) {
    // in its namespace it is the first, or nearly so: here that is another process
    expect(Number(line)).toBeLessThan(10);
    break;
  }
  return child;
}

inNamespaces(
  'a run of another pid namespace lives for as long as its process does, whatever its pid is here',
  async () => {
    const child = await runInContainer();
    const [cluster] = listClusters(stateDir);
    expect(cluster?.users.map(({ runId }) => runId)).toEqual(['inside']);
    expect(standingOf(cluster?.users[0]?.process ?? { pid: 1, startedAt: '' })).toBe('same kernel');
    expect(findAbandoned(stateDir)).toEqual([]);
    const outside = openCluster({
      stateDir,
      name: 'shop',
      runId: 'outside',
      deleteCluster: () => Promise.resolve(),
    });
    expect(
      await outside.acquire({ made: {}, removal: { ...removal, provider: 'kind' }, keep: 'never' }),
    ).toMatchObject({
      role: 'join',
    });
    expect(outside.others()).toEqual([expect.stringContaining('of another container)')]);
    expect(await outside.release()).toBe('left');

    child.kill('SIGKILL');
    // its kernel lets go of what it held a moment later
    while (listClusters(stateDir)[0]?.users.length !== 0) await pause(5);
    expect(findAbandoned(stateDir)).toEqual(['shop']);
  },
);

test('one of another machine is never taken for dead by its pid; one from before this machine’s restart is dead', () => {
  const me = identifyProcess(process.pid);
  if (me === undefined) throw new Error('this process has no identity');
  expect(standingOf(me)).toBe('alive');
  if (me.machine === undefined) return;
  const startedAt = '00000000-0000-0000-0000-000000000000/1';
  expect(standingOf({ ...me, startedAt, machine: 'another' })).toBe('elsewhere');
  expect(standingOf({ ...me, startedAt })).toBe('dead');
});

test('a run leaves nothing that says that it lives, and what one that was killed left is taken away', async () => {
  const lease = openCluster({
    stateDir,
    name: 'shop',
    runId: 'tidy',
    deleteCluster: () => Promise.resolve(),
  });
  await lease.acquire({ made: {}, removal: { ...removal, provider: 'kind' }, keep: 'never' });
  expect(readdirSync(stateDir)).toContain('alive-tidy');
  await lease.release();
  expect(readdirSync(stateDir).filter((file) => file.startsWith('alive-'))).toEqual([]);
});

const foreignBoot = '00000000-0000-0000-0000-000000000000/1';

/** As another machine has written it, which a home on the network shares: `from` is where, and since when. */
function writtenElsewhere(from: object, change: (state: ClusterState) => Partial<ClusterState>): void {
  const file = join(stateDir, 'clusters/shop/state.json');
  const text = readFileSync(file, 'utf8');
  const state = JSON.parse(text, (key, value: unknown) =>
    key === 'process' ? { ...(value as object), ...from } : value,
  ) as ClusterState;
  writeFileSync(file, JSON.stringify({ ...state, ...change(state) }));
}

const open = (runId: string, onWait?: (who: string, doing: string) => void, signal?: AbortSignal) =>
  openCluster({
    ...{ stateDir, name: 'shop', runId, deleteCluster: () => Promise.resolve() },
    ...(onWait === undefined ? {} : { onWait }),
    ...(signal === undefined ? {} : { signal }),
  });
const wanted = { made: {}, removal: { ...removal, provider: 'kind' as const }, keep: 'never' as const };

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('of a holder of another machine', () => {
  test('two that were cloned from one image, with one machine id, are two: their host names tell', () => {
    const me = identifyProcess(process.pid);
    const clone = me?.machine?.replace(hostname(), 'its-clone');
    expect(clone).not.toBe(me?.machine);
    expect(standingOf({ pid: process.pid, ...me, startedAt: foreignBoot, machine: clone ?? '' })).toBe(
      'elsewhere',
    );
  });

  test('another system is another machine, on whose pids nothing is known here: a container on a Mac, say', () => {
    const onMac = { pid: process.pid, startedAt: 'Wed Nov 25 20:00:00 2026', machine: 'mac.local' };
    expect(standingOf(onMac)).toBe('elsewhere');
  });

  test('one that waits for it says where it is, and what ends the wait should that be gone for good', async () => {
    await open('theirs').acquire(wanted);
    writtenElsewhere({ machine: 'build-7/0123', startedAt: foreignBoot }, () => ({}));
    const stop = new AbortController();
    const told = new Promise<string>((resolve) => {
      open('mine', resolve, stop.signal)
        .acquire(wanted)
        .catch(() => undefined);
    });
    expect(await told).toMatch(
      /\(pid \d+ on build-7\).*: it cannot be seen from here; should it be gone for good: npx jest-kubernetes down shop --force/,
    );
    stop.abort();
  });

  test('a deletion that it was at is taken over by who says --force, and by nobody else', async () => {
    await open('theirs').acquire(wanted);
    const deleting = ({ leases }: ClusterState) => ({
      ...{ phase: 'deleting' as const, by: Object.values(leases)[0] ?? null, leases: {} },
    });
    writtenElsewhere({ machine: 'build-7/0123', startedAt: foreignBoot }, deleting);
    expect(findAbandoned(stateDir)).toEqual([]);
    const removed: string[] = [];
    const down = (evenInUse: boolean) =>
      takeDown({
        ...{ stateDir, name: 'shop', evenInUse },
        deleteCluster: ({ name }) => Promise.resolve(void removed.push(name)),
      });
    expect(await down(false)).toMatchObject({ outcome: 'in use' });
    expect(removed).toEqual([]);
    expect(await down(true)).toEqual({ outcome: 'deleted' });
    expect(removed).toEqual(['shop']);
  });
});

describe('the lock by which a run is known to live', () => {
  const pulse = (): string => join(stateDir, 'alive-mine');

  test('is had before the state says that the run is there, however long another process has it', async () => {
    const before = open('before');
    await before.acquire(wanted);
    await before.ready({ name: 'shop', kubeconfig: '/k', context: 'shop' });
    const another = new Mutex(pulse());
    await another.keep();
    const acquiring = open('mine').acquire(wanted);
    await pause(100);
    expect(Object.keys(listClusters(stateDir)[0]?.state.leases ?? {})).toEqual(['before']);
    another.close();
    expect(await acquiring).toMatchObject({ role: 'join' });
    expect(Mutex.isHeld(pulse())).toBe(true);
  });

  test('is looked at without being made, or taken, by any number at once', () => {
    expect(Mutex.isHeld(pulse())).toBe(false);
    expect(existsSync(pulse())).toBe(false);
  });

  test('of the dead is removed while it is held, so that no run can take it in between', async () => {
    await open('mine').acquire(wanted);
    const dead = join(stateDir, 'alive-dead');
    writeFileSync(dead, '');
    const fs = jest.requireActual<typeof import('node:fs')>('node:fs');
    const remove = fs.rmSync;
    const couldTake: boolean[] = [];
    const removing = jest.spyOn(fs, 'rmSync').mockImplementation((path, options) => {
      if (path === dead) couldTake.push(!Mutex.isHeld(dead));
      remove(path, options);
    });
    discardRemains(stateDir);
    removing.mockRestore();
    expect(couldTake).toEqual([false]);
    expect(readdirSync(stateDir).filter((file) => file.startsWith('alive-'))).toEqual(['alive-mine']);
  });
});
