import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { listClusters, openCluster } from '../../../src/cluster/index.js';
import { Report } from '../../../src/report/index.js';
import { underLease } from '../../../src/run/take-down.js';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'give-back-'));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

/** Work on a cluster of its own, and what came of it. */
async function work(does: () => Promise<string>, deletes: () => Promise<void>) {
  const output = new PassThrough();
  const lease = openCluster({ stateDir, name: 'original', runId: 'maker', deleteCluster: deletes });
  await lease.acquire({
    made: {},
    removal: { provider: 'kind', name: 'original', runtime: null },
    keep: 'never',
  });
  let dismissed = false;
  const watchdog = { pid: 1, dismiss: () => (dismissed = true) };
  const report = new Report(output as unknown as NodeJS.WriteStream, {});
  const outcome = await underLease({ lease, watchdog, report }, does).catch((error: unknown) => error);
  output.end();
  return { outcome, dismissed, told: await text(output) };
}
const fails = (words: string) => (): Promise<never> => Promise.reject(new Error(words));
const nothing = (): Promise<void> => Promise.resolve();

test('the cluster goes with the work, and its watchdog with it', async () => {
  const { outcome, dismissed } = await work(() => Promise.resolve('made'), nothing);
  expect({ outcome, dismissed }).toEqual({ outcome: 'made', dismissed: true });
  expect(listClusters(stateDir)).toEqual([]);
});

test('work that fails tells its own error, where the cluster cannot be deleted either, and the watchdog goes on', async () => {
  const { outcome, dismissed, told } = await work(
    fails('it did not boot'),
    fails('the engine does not answer'),
  );
  expect(outcome).toEqual(new Error('it did not boot'));
  expect(told).toContain('the engine does not answer');
  expect(dismissed).toBe(false);
});

test('work that was done is done, where the cluster cannot be deleted', async () => {
  const { outcome, dismissed, told } = await work(
    () => Promise.resolve('made'),
    fails('the engine does not answer'),
  );
  expect(outcome).toBe('made');
  expect(told).toContain('the engine does not answer');
  expect(dismissed).toBe(false);
});
