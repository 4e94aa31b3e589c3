import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { findAbandoned, listClusters, openCluster } from '../../../src/cluster/leases/index.js';
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
