import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { execa } from 'execa';

import {
  type Installation,
  installation,
  type JestProcess,
  nothing,
  snapshots,
  until,
} from './support/project.js';
import { share } from './support/share.js';

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
  'while the node starts': async (run) => {
    await run.prints('creates the cluster');
    await until('the container is there', async () => (await installed.remains()).containers.length > 0);
  },
  // what comes from a snapshot has both behind it
  ...(snapshots === 'off' && {
    'while kubeadm boots': async (run) => {
      await run.prints('creates the cluster');
      await until('kubeadm is in the container', async () =>
        (await nodeProcesses()).includes('kubeadm init'),
      );
    },
    'during the import': (run) => run.prints(/import postgres:17-alpine +[\d.]+ s {2}\d+ MB/),
  }),
  'during the tests': (run) => run.prints('in the test'),
  'during the deletion': async () => {
    await until('the cluster is being deleted', () => phases().includes('deleting'), 120_000);
  },
};

/** The command lines of all that runs in the clusters' nodes. */
async function nodeProcesses(): Promise<string> {
  const { containers } = await installed.remains();
  const tops = await Promise.all(
    // one that has not started yet, or ends, has none
    containers.map((id) => execa('docker', ['top', id, '-eo', 'pid,args'], { reject: false })),
  );
  return tops.map(({ stdout }) => stdout).join('\n');
}

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

/** How a process ends that a strike has ended. */
const endings: Record<string, NodeJS.Signals> = {
  'Ctrl-C': 'SIGINT',
  SIGTERM: 'SIGTERM',
  SIGHUP: 'SIGHUP',
  'SIGKILL of the parent': 'SIGKILL',
  'SIGKILL of its process group': 'SIGKILL',
};

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

/** Every moment is struck by Ctrl-C, by a supervisor and by the hardest kill; the others where they differ. */
const cases: [string, string][] = [
  ...Object.keys(moments).flatMap((moment): [string, string][] => [
    [moment, 'Ctrl-C'],
    [moment, 'SIGTERM'],
    [moment, 'SIGKILL of its process group'],
  ]),
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

test.each(share(cases, 7))(
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
    const { signal } = await run.ended;
    expect(signal).toBe(endings[strike]);
    // whoever can put its end in order itself leaves nothing of it to the watchdog
    if (signal !== 'SIGKILL')
      expect(await installed.remains()).toMatchObject({ containers: [], clusters: [] });
    await nothingIsLeft();
  },
  180_000,
);

/**
 * What the sleep of a machine is to its processes: they stand still, and all of its time is over when they wake. It is
 * harder than a sleep in one thing: the clock of kind's own limits runs on, which a sleeping machine's does not. Not to
 * be done while systemd starts in the node, for which kind allows 30 s.
 */
async function machineSleeps(run: JestProcess, milliseconds: number): Promise<void> {
  const containers = (await installed.remains()).containers;
  const creators = creatorsNow();
  run.signalGroup('SIGSTOP');
  for (const pid of creators) process.kill(-pid, 'SIGSTOP');
  // a paused container refuses what enters it, and holds for good what is just entering: no sleep does either
  await pause(2000);
  await execa('docker', ['pause', ...containers]);
  await pause(milliseconds);
  await execa('docker', ['unpause', ...containers]);
  for (const pid of creators) process.kill(-pid, 'SIGCONT');
  run.signalGroup('SIGCONT');
}

/** The process groups that create clusters. */
function creatorsNow(): number[] {
  const clusters = path.join(installed.stateDir, 'clusters');
  return readdirSync(clusters).flatMap((name) => {
    const file = path.join(clusters, name, 'creator.json');
    return existsSync(file) ? [(JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid] : [];
  });
}

test('a run goes on where it was when the machine has slept longer than anything may stand still', async () => {
  const project = installed.project('sleep', {
    'a.test.ts': `
import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
test('uses the cluster before and after', async () => {
  const pods = client(k8s.CoreV1Api);
  process.stderr.write('in the test\\n');
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    await pods.listNamespacedPod({ namespace: await namespace() });
    await new Promise((again) => setTimeout(again, 200));
  }
});`,
    'jest-kubernetes.config.json': JSON.stringify({ timeouts: { cluster: { stall: '25s' } } }),
  });
  const run = project.start(['--runInBand']);
  await (moments['while kubeadm boots'] ?? moments['while the node starts'])?.(run);
  await machineSleeps(run, 30_000);
  await run.prints('in the test');
  await machineSleeps(run, 5_000);
  expect(await run.ended).toMatchObject({ status: 0 });
  await nothingIsLeft();
}, 240_000);

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
