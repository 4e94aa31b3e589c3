import { type ChildProcess, fork } from 'node:child_process';
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
import { setTimeout as delay } from 'node:timers/promises';

import { type DeleteCluster, listClusters, openCluster } from '../../../src/cluster/leases/index.js';
import { watchdogLog } from '../../../src/cluster/watchdog/index.js';
import { identifyProcess } from '../../../src/support/process-identity.js';
import { compileSource } from '../leases/compiled.js';

interface Started {
  watchdog: number;
  worker: number;
}
type End = 'released' | 'process.exit' | 'throws' | 'waits' | 'unwatched' | 'natural' | 'sweep';

let compiled: ReturnType<typeof compileSource>;
let base: string;
let stateDir: string;
let record: string;
let started: number[];
beforeAll(() => {
  compiled = compileSource();
}, 60_000);
afterAll(() => {
  compiled.remove();
});
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'jest-kubernetes-watchdog-'));
  stateDir = join(base, 'state');
  record = join(base, 'deleted');
  started = [];
});
afterEach(() => {
  for (const pid of started) if (identifyProcess(pid) !== undefined) process.kill(pid, 'SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

/** Waits for what is meant; the limit is for a machine that is nearly standing still. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited 30 s until ${what}`);
    await delay(5);
  }
}
const isGone = (pid: number) => identifyProcess(pid) === undefined;
const deletions = () =>
  existsSync(record)
    ? readFileSync(record, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { name: string; at: number })
    : [];
const deleted = () => until('the cluster was deleted', () => listClusters(stateDir).length === 0);

function runThat<Answer = Started>(
  end: End,
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; answer: Promise<Answer> } {
  const child = fork(join(__dirname, 'watched-run.js'), [compiled.folder, stateDir, 'shop', record, end], {
    execArgv: [],
    env: { ...process.env, ...env },
    // a process group of its own, as a shell gives each job
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  if (child.pid !== undefined) started.push(child.pid);
  const answer = new Promise<Answer>((resolve, reject) => {
    child.once('message', (message) => {
      const { watchdog, worker } = message as Partial<Started>;
      started.push(...[watchdog, worker].filter((pid) => pid !== undefined));
      resolve(message as Answer);
    });
    child.once('exit', () => {
      reject(new Error('the run ended before it had started'));
    });
  });
  return { child, answer };
}

test.each<[string, (pid: number) => void]>([
  ['SIGKILL of the parent alone, its workers going on', (pid) => process.kill(pid, 'SIGKILL')],
  ['SIGKILL of its whole process group', (pid) => process.kill(-pid, 'SIGKILL')],
  ['SIGTERM that nobody handles', (pid) => process.kill(pid, 'SIGTERM')],
  ['SIGHUP of its group: the terminal was closed', (pid) => process.kill(-pid, 'SIGHUP')],
])('%s: the cluster is deleted, and the watchdog goes', async (_, kill) => {
  const { child, answer } = runThat('waits');
  const { watchdog } = await answer;
  const pid = child.pid ?? 0;
  const before = Date.now();
  kill(pid);
  await until('the run was gone', () => isGone(pid));
  await deleted();
  await until('the watchdog was gone', () => isGone(watchdog));
  expect(deletions()).toMatchObject([{ name: 'shop' }]);
  process.stderr.write(`watchdog: ${(deletions()[0]?.at ?? 0) - before} ms from the kill to the deletion\n`);
});

test.each<[End]>([['process.exit'], ['throws'], ['natural']])(
  'a run that ends without having released (%s) is not held open, and its cluster is deleted',
  async (end) => {
    const { child, answer } = runThat(end);
    const { watchdog } = await answer;
    await until('the run was gone', () => isGone(child.pid ?? 0));
    await deleted();
    await until('the watchdog was gone', () => isGone(watchdog));
    expect(deletions()).toHaveLength(1);
  },
);

test('a run that released is not held open, and its watchdog goes without a word', async () => {
  const { child, answer } = runThat('released');
  const { watchdog } = await answer;
  await until('run and watchdog were gone', () => isGone(child.pid ?? 0) && isGone(watchdog));
  expect(deletions()).toHaveLength(1);
  expect(existsSync(join(stateDir, 'logs'))).toBe(false);
});

test('a cluster that another run uses stays', async () => {
  const { child, answer } = runThat('waits');
  const { watchdog } = await answer;
  const { deleteCluster } = jest.requireActual<{ deleteCluster: DeleteCluster }>('./recording-remover.js');
  const other = openCluster({ stateDir, name: 'shop', runId: 'other', deleteCluster });
  const removal = { provider: 'kind' as const, name: 'shop', runtime: null, with: { record } };
  expect(await other.acquire({ made: {}, removal, keep: 'never' })).toMatchObject({ role: 'join' });
  child.kill('SIGKILL');
  await until('the watchdog was gone', () => isGone(watchdog));
  expect(deletions()).toEqual([]);
  expect(Object.keys(listClusters(stateDir)[0]?.state.leases ?? {})).toEqual(['other']);
  expect(await other.release()).toBe('deleted');
});

(process.platform === 'linux' ? test : test.skip)(
  'CI runners do not take it for a process that a job has forgotten',
  async () => {
    const marks = { RUNNER_TRACKING_ID: 'github_1', JENKINS_NODE_COOKIE: 'cookie', BUILD_ID: '17' };
    const { child, answer } = runThat('waits', marks);
    const { watchdog } = await answer;
    const environment = readFileSync(`/proc/${watchdog}/environ`, 'utf8').split('\0');
    expect(
      environment.filter((line) => /^(RUNNER_TRACKING_ID|JENKINS_NODE_COOKIE|BUILD_ID)=/.test(line)),
    ).toEqual(expect.arrayContaining(['JENKINS_NODE_COOKIE=dontKillMe', 'BUILD_ID=dontKillMe']));
    expect(environment.join('\n')).not.toContain('RUNNER_TRACKING_ID');
    // GitLab's runner ends the process group of a job
    expect(readFileSync(`/proc/${watchdog}/stat`, 'utf8')).toMatch(
      new RegExp(`\\) S \\d+ ${watchdog} ${watchdog} `),
    );
    child.kill('SIGKILL');
    await deleted();
  },
);

test('it weighs little, and signals that end a process do not end it', async () => {
  const { child, answer } = runThat('waits');
  const { watchdog } = await answer;
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.kill(watchdog, signal);
  if (process.platform === 'linux') {
    const status = readFileSync(`/proc/${watchdog}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    process.stderr.write(`watchdog: ${kilobytes} kB resident while it waits\n`);
    expect(kilobytes).toBeLessThan(40_000);
  }
  child.kill('SIGKILL');
  await deleted();
});

test('a deletion that fails is tried again, and the log tells', async () => {
  writeFileSync(`${record}.failures`, '1');
  const { child, answer } = runThat('waits');
  const { watchdog } = await answer;
  child.kill('SIGKILL');
  await until('the watchdog was gone', () => isGone(watchdog));
  expect(deletions()).toHaveLength(1);
  const log = readFileSync(watchdogLog(stateDir, `run-${child.pid ?? 0}`), 'utf8');
  expect(log).toContain('the engine does not answer');
  expect(log).toContain('shop is deleted');
});

test('of NODE_OPTIONS it keeps what Yarn’s Plug’n’Play cannot do without, and nothing else', async () => {
  const loaded = join(base, 'loaded');
  const writes = (name: string) =>
    `appendFileSync(${JSON.stringify(loaded)}, '${name} ' + process.pid + '\\n');`;
  const files = {
    // as Yarn's own does, it names itself as the table of all packages
    '.pnp.cjs': `const { appendFileSync } = require('node:fs');
      const Module = require('node:module');
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => (name === 'pnpapi' ? __filename : resolve(name, ...rest));
      process.versions.pnp = '3';
      ${writes('table')}`,
    '.pnp.loader.mjs': `import { appendFileSync } from 'node:fs'; ${writes('loader')}`,
    'debugger.cjs': `const { appendFileSync } = require('node:fs'); ${writes('debugger')}`,
  };
  const workspace = join(base, 'a workspace');
  mkdirSync(workspace);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(workspace, name), content);
  const required = ['.pnp.cjs', 'debugger.cjs'].map((name) => `--require "${join(workspace, name)}"`);
  const { child, answer } = runThat('waits', { NODE_OPTIONS: required.join(' ') });
  const { watchdog } = await answer;
  child.kill('SIGKILL');
  await deleted();
  await until('the watchdog was gone', () => isGone(watchdog));
  const by = (pid: number) =>
    readFileSync(loaded, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith(` ${pid}`))
      .map((line) => line.split(' ')[0]);
  expect(by(child.pid ?? 0)).toEqual(['table', 'debugger']);
  expect(new Set(by(watchdog))).toEqual(new Set(['table', 'loader']));
});

test('what even a watchdog could not do, the next run’s sweep does in the background', async () => {
  const { child, answer } = runThat('unwatched');
  await answer;
  child.kill('SIGKILL');
  await until('the run was gone', () => isGone(child.pid ?? 0));
  expect(deletions()).toEqual([]);
  const remains = join(stateDir, 'gone-cart-1-1');
  mkdirSync(remains);
  writeFileSync(join(remains, 'kubeconfig'), '');

  const next = await runThat<{ abandoned: string[]; milliseconds: number }>('sweep').answer;
  expect(next.abandoned).toEqual(['shop']);
  expect(existsSync(remains)).toBe(false);
  process.stderr.write(`sweep: ${next.milliseconds.toFixed(1)} ms of a run's start\n`);
  await deleted();
  expect(deletions()).toHaveLength(1);
  await until('its log was written', () => readdirSync(join(stateDir, 'logs')).length === 1);
});
