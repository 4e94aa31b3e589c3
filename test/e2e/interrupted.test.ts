import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { installation, nothing, until, type Installation, type JestProcess } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

const sleeping =
  "test('sleeps', async () => { process.stderr.write('in the test\\n'); await new Promise((r) => setTimeout(r, 60_000)); });";

const passing = "test('passes', () => undefined);";

/** When to strike, and how long it may take until nothing is left. */
const moments: Record<string, (run: JestProcess) => Promise<void>> = {
  'before the container exists': (run) => run.prints('creates the cluster'),
  'while kubeadm boots': async (run) => {
    await run.prints('creates the cluster');
    await until('the container is there', async () => (await installed.remains()).containers.length > 0);
  },
  'during the import': (run) => run.prints(/import postgres:17-alpine +[\d.]+ s {2}\d+ MB/),
  'during the tests': (run) => run.prints('in the test'),
  'during the deletion': async () => {
    await until('the cluster is being deleted', () => phases().includes('deleting'), 120_000);
  },
};

/** What the clusters' states say. */
function phases(): string[] {
  const clusters = path.join(installed.stateDir, 'clusters');
  if (!existsSync(clusters)) return [];
  return readdirSync(clusters).map((name) => {
    try {
      return (JSON.parse(readFileSync(path.join(clusters, name, 'state.json'), 'utf8')) as { phase: string })
        .phase;
    } catch {
      return ''; // it is being made, or gone
    }
  });
}

const strikes: Record<string, (run: JestProcess) => void> = {
  'Ctrl-C': (run) => {
    run.signalGroup('SIGINT');
  },
  SIGTERM: (run) => {
    process.kill(run.pid, 'SIGTERM');
  },
  SIGHUP: (run) => {
    process.kill(run.pid, 'SIGHUP');
  },
  'SIGKILL of the parent': (run) => {
    process.kill(run.pid, 'SIGKILL');
  },
  'SIGKILL of its process group': (run) => {
    run.signalGroup('SIGKILL');
  },
};

/** Every moment is struck by Ctrl-C and by the hardest kill; the others where they differ. */
const cases: [string, string][] = [
  ...Object.keys(moments).flatMap((moment): [string, string][] => [
    [moment, 'Ctrl-C'],
    [moment, 'SIGKILL of its process group'],
  ]),
  ['while kubeadm boots', 'SIGTERM'],
  ['before the container exists', 'SIGHUP'],
  ['before the container exists', 'SIGKILL of the parent'],
];

async function nothingIsLeft(): Promise<void> {
  await until(
    'nothing is left',
    async () => {
      const { containers, volumes, clusters, processes } = await installed.remains();
      return containers.length + volumes.length + clusters.length + processes.length === 0;
    },
    60_000,
  ).catch(() => undefined);
  expect(await installed.remains()).toEqual(nothing);
}

test.each(cases)(
  '%s: %s leaves nothing behind',
  async (moment, strike) => {
    const project = installed.project(
      `${moment}-${strike}`
        .toLowerCase()
        .replace(/[^a-z]+/g, '-')
        .slice(0, 30)
        .replace(/-$/, ''),
      {
        'a.test.ts': moment === 'during the deletion' ? passing : sleeping,
      },
    );
    const run = project.start(['--runInBand']);
    await moments[moment]?.(run);
    strikes[strike]?.(run);
    const { status } = await run.ended;
    expect(status).not.toBe(0);
    await nothingIsLeft();
  },
  180_000,
);

test('an uncaught exception in the parent leaves nothing behind', async () => {
  const project = installed.project('uncaught', {
    'a.test.ts': sleeping,
    'jest.config.js':
      "module.exports = { preset: 'jest-kubernetes', reporters: ['default', '<rootDir>/throws.js'] };",
    'throws.js':
      "module.exports = class { onRunStart() { setTimeout(() => { throw new Error('nobody catches it'); }, 500); } };",
  });
  const { status, output } = await project.run(['--runInBand']);
  expect(output).toContain('nobody catches it');
  expect(status).not.toBe(0);
  await nothingIsLeft();
}, 180_000);

test.each([
  ['process.exit in a test', "test('exits', () => { process.exit(3); });", ['--runInBand']],
  ['--bail after a failed test', "test('fails', () => { throw new Error('it fails'); });", ['--bail']],
  ['--forceExit', "test('passes', () => { setInterval(() => undefined, 1000); });", ['--forceExit']],
])(
  '%s leaves nothing behind',
  async (name, content, args) => {
    const project = installed.project(
      name
        .toLowerCase()
        .replace(/[^a-z]+/g, '-')
        .replace(/^-|-$/g, ''),
      { 'a.test.ts': content },
    );
    const run = project.start(args);
    await run.ended;
    await nothingIsLeft();
  },
  180_000,
);
