import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ClusterLease, openCluster } from '../../../src/cluster/index.js';
import type { Hook, SetupContext } from '../../../src/config/index.js';
import { silent } from '../../../src/report/index.js';
import { Milestones, type RunContext } from '../../../src/run/context.js';
import { WorkerEnvironment } from '../../../src/run/environment.js';
import { callRunHooks, callSetupHooks } from '../../../src/run/work/setup-hook.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-hook-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const access = { name: 'shop', kubeconfig: '/k', context: 'kind-shop' };
const step = { progress: silent, signal: new AbortController().signal };

type Call = (cluster: SetupContext) => unknown;
const hooks = (...calls: Call[]): Hook[] => calls.map((call) => ({ file: '/shop/config.ts', call }));

/** A run of a process's own, as far as hooks know it: its lease is a real one, on the same cluster as the others'. */
async function run(
  runId: string,
  { setup = [], eachRun = [] }: { setup?: Hook[]; eachRun?: Hook[] },
): Promise<{ context: RunContext; env: NodeJS.ProcessEnv; lease: ClusterLease }> {
  const env: NodeJS.ProcessEnv = {};
  const lease = openCluster({
    ...{ stateDir: join(folder, 'state'), name: 'shop', runId },
    deleteCluster: () => Promise.resolve(),
  });
  const removal = { provider: 'kind' as const, name: 'shop', runtime: null };
  const { role } = await lease.acquire({ made: {}, removal, keep: 'never' });
  if (role === 'create') await lease.ready(access);
  const milestones = new Milestones();
  milestones.ready.reach(access);
  const environment = new WorkerEnvironment(env);
  environment.set({ KUBECONFIG: access.kubeconfig });
  const context = { config: { setup, eachRun }, lease, milestones, environment };
  return { context: context as unknown as RunContext, env, lease };
}

test('what setup returns reaches the workers of the run that calls it, and of every run that joins later', async () => {
  const calls: string[] = [];
  const setup = hooks(({ name, env }) => {
    calls.push(`${name} ${String(env['KUBECONFIG'])}`);
    return Promise.resolve({ env: { TOKEN: 'of this life' } });
  });
  const [first, second] = [await run('first', { setup }), await run('second', { setup })];
  await callSetupHooks(first.context, step);
  await callSetupHooks(second.context, step);
  expect(calls).toEqual(['shop /k']);
  expect(first.env['TOKEN']).toBe('of this life');
  expect(second.env['TOKEN']).toBe('of this life');

  await first.lease.release();
  await second.lease.release();
  await callSetupHooks((await run('third', { setup })).context, step);
  expect(calls).toHaveLength(2);
});

test('of several, each is called once, and finds what those before it have returned', async () => {
  const seen: string[] = [];
  const make = (name: string): Call => {
    return ({ env }) => {
      seen.push(`${name} after ${env['LAST'] ?? 'none'}`);
      return { env: { LAST: name } };
    };
  };
  const setup = hooks(make('a'), make('b'));
  const first = await run('first', { setup });
  await callSetupHooks(first.context, step);
  expect(seen).toEqual(['a after none', 'b after a']);

  // a second one that has changed leaves the first as it is
  const changed = hooks(setup[0]?.call ?? make(''), () => void seen.push('changed'));
  await callSetupHooks((await run('second', { setup: changed })).context, step);
  expect(seen).toEqual(['a after none', 'b after a', 'changed']);
});

test('eachRun is called in every run, after setup, and what it returns is that run’s alone', async () => {
  let count = 0;
  const setup = hooks(() => ({ env: { FROM_SETUP: 'yes' } }));
  const eachRun = hooks(({ env, context }) => {
    count += 1;
    return { env: { RUN: `${String(count)} ${String(env['FROM_SETUP'])} ${context}` } };
  });
  for (const [id, expected] of [
    ['first', '1 yes kind-shop'],
    ['second', '2 yes kind-shop'],
  ] as const) {
    const { context, env } = await run(id, { setup, eachRun });
    await callSetupHooks(context, step);
    await callRunHooks(context, step);
    expect(env['RUN']).toBe(expected);
    context.environment.restore();
    expect(env).toEqual({});
  }
});

test.each([
  [() => ({ env: { PORT: 3000 } }), 'the env that it returns is no object of texts: PORT is number'],
  [() => ({ env: 'PORT=1' }), 'the env that it returns is no object of texts: it is "PORT=1"'],
  [
    () => {
      throw new Error('no such table');
    },
    'no such table',
  ],
])('what a hook does wrong is told with its file: %s', async (call, line) => {
  const { context } = await run('first', { setup: hooks(call), eachRun: hooks(call) });
  const told = (name: string): unknown =>
    expect.objectContaining({
      code: 'SETUP_HOOK_FAILED',
      message: `The configuration’s ${name} hook failed`,
      evidence: ['/shop/config.ts', line],
    });
  await expect(callSetupHooks(context, step)).rejects.toEqual(told('setup'));
  await expect(callRunHooks(context, step)).rejects.toEqual(told('eachRun'));
});

test.each([[undefined], [null], ['text'], [{}], [{ env: undefined }]])(
  'a hook may return %j',
  async (value) => {
    const { context, env } = await run('first', { setup: hooks(() => value) });
    await callSetupHooks(context, step);
    expect(env).toEqual({ KUBECONFIG: '/k' });
  },
);
