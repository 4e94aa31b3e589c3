import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  deleteAbandoned,
  listClusters,
  openCluster,
  releaseDeadRuns,
} from '../../../src/cluster/leases/index.js';
import { startWatchdog, sweep } from '../../../src/cluster/watchdog/index.js';
import { claimStateDirectory, stateDirectory } from '../../../src/support/state-directory.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jest-kubernetes-state-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const deleteCluster = () => Promise.resolve();
const removal = { provider: 'kind' as const, name: 'shop', runtime: null };
const lease = () => openCluster({ stateDir: folder, name: 'shop', runId: 'run', deleteCluster });

test('a folder that holds other things is refused, and nothing in it is touched', async () => {
  const theirs = {
    lock: 'a lock of ours',
    'package.json': '{}',
    'gone-fishing/photo': 'jpg',
    'logs/app.log': 'log',
  };
  for (const [file, text] of Object.entries(theirs)) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  expect(sweep({ stateDir: folder })).toEqual([]);
  await expect(lease().acquire({ made: {}, removal, keep: 'never' })).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: `${folder} is no state directory: it holds other things`,
    evidence: ['found in it: lock, logs, package.json'],
    remedy: expect.stringContaining('JEST_KUBERNETES_STATE_DIR') as string,
  });
  await deleteAbandoned({ stateDir: folder, deleteCluster, onFailure: () => undefined });
  for (const [file, text] of Object.entries(theirs))
    expect(readFileSync(join(folder, file), 'utf8')).toBe(text);
  expect(readdirSync(folder).sort()).toEqual(['gone-fishing', 'lock', 'logs', 'package.json']);
});

test('a lock of somebody else’s alone is enough', async () => {
  writeFileSync(join(folder, 'lock'), 'pid 4711');
  await expect(lease().acquire({ made: {}, removal, keep: 'never' })).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
  });
  expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe('pid 4711');
});

test('one that is empty, or not there yet, is made one; of several that come at once, all find the same', () => {
  const stateDir = join(folder, 'not/there');
  expect(stateDirectory(stateDir)).toBeUndefined();
  const { id } = claimStateDirectory(stateDir);
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(claimStateDirectory(stateDir)).toEqual({ id });
  expect(claimStateDirectory(folder + '/other').id).not.toBe(id);
  expect(readdirSync(stateDir)).toEqual(['jest-kubernetes.json']);
});

test('one of an earlier version, which has no mark, goes on', () => {
  mkdirSync(join(folder, 'clusters'));
  writeFileSync(join(folder, 'lock'), '');
  expect(claimStateDirectory(folder).id).toBe(stateDirectory(folder)?.id);
  expect(existsSync(join(folder, 'clusters'))).toBe(true);
});

test.each<[string, Record<string, string>]>([
  ['a folder of logs', { 'logs/app.log': 'theirs', 'logs/access.log': 'theirs' }],
  [
    'things that are called as ours are',
    { 'clusters/prod/inventory.yaml': 'theirs', 'gone-fishing/photo': 'jpg' },
  ],
  ['runs of another program', { 'runs/2026-11-25/result.csv': '1' }],
])('%s alone is no state directory', (_, theirs) => {
  for (const [file, text] of Object.entries(theirs)) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  expect(() => claimStateDirectory(folder)).toThrow(
    expect.objectContaining({ code: 'STATE_UNUSABLE' }) as Error,
  );
  expect(readdirSync(folder).sort()).toEqual(
    [...new Set(Object.keys(theirs).map((file) => file.split('/')[0]))].sort(),
  );
});

test('one of an earlier version that had existing clusters alone, and logs of its watchdogs, goes on', () => {
  mkdirSync(join(folder, 'runs/1a2b3c4d'), { recursive: true });
  mkdirSync(join(folder, 'logs'));
  for (const log of ['1a2b3c4d.log', 'sweep-4711.log', 'shop.state.json.bad-1'])
    writeFileSync(join(folder, 'logs', log), '');
  expect(claimStateDirectory(folder).id).toBe(stateDirectory(folder)?.id);
});

test('a clean-up of a folder that is none finds nothing, starts nothing, and writes no log into it', async () => {
  mkdirSync(join(folder, 'clusters/prod'), { recursive: true });
  mkdirSync(join(folder, 'runs/theirs'), { recursive: true });
  writeFileSync(
    join(folder, 'runs/theirs/run.json'),
    JSON.stringify({ name: 'x', runId: 'theirs', by: { pid: 0, startedAt: '' } }),
  );
  writeFileSync(join(folder, 'package.json'), '{}');
  expect(sweep({ stateDir: folder })).toEqual([]);
  const failures: unknown[] = [];
  const task = {
    stateDir: folder,
    deleteCluster,
    onFailure: (_: string, error: unknown) => failures.push(error),
  };
  expect([...(await deleteAbandoned(task)), ...(await releaseDeadRuns(task))]).toEqual([]);
  expect(failures).toEqual([]);
  expect(listClusters(folder)).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(['clusters', 'package.json', 'runs']);
});

test('a run in a folder that holds other things ends before its watchdog, or its kubeconfig, is there', async () => {
  writeFileSync(join(folder, 'package.json'), '{}');
  const watched = startWatchdog({ stateDir: folder, name: 'shop', runId: '1a2b3c4d', provider: 'existing' });
  await expect(watched).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
  expect(readdirSync(folder)).toEqual(['package.json']);
});
