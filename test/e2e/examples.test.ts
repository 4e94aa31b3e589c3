import path from 'node:path';

import { execa } from 'execa';

import {
  copies,
  copyExample,
  expectOneCluster,
  installer,
  nothing,
  packed,
  root,
} from './support/examples.js';

const made = copies('examples');

interface Example {
  name: string;
  /** Its packages, each a Jest run of its own, with their tests. */
  tests: Record<string, number>;
  install: (name: string, to: string) => Promise<void>;
}

const examples: Example[] = [
  { name: 'basic', tests: { basic: 3 }, install: installCopy },
  { name: 'postgres', tests: { postgres: 13 }, install: installCopy },
  { name: 'operator', tests: { operator: 13 }, install: installCopy },
  { name: 'services', tests: { services: 3 }, install: installCopy },
  { name: 'monorepo', tests: { api: 2, operator: 3, worker: 2 }, install: installWorkspace },
];

/** The dependencies are kept for the next time. */
async function installCopy(name: string, to: string): Promise<void> {
  await execa(process.execPath, [installer, path.join(root, 'examples', name), to]);
}

/** npm lays out a workspace itself: what each package depends on, in the folder that all of them see. */
async function installWorkspace(name: string, to: string): Promise<void> {
  copyExample(name, to);
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  await execa('npm', ['install', await packed(), '--save-dev', ...quiet], { cwd: to });
}

afterAll(() => made.remove(), 60_000);

describe.each(examples)('examples/$name, with the packed package', ({ name, tests, install }) => {
  const cwd = made.pathOf(name);

  beforeAll(() => install(name, cwd), 300_000);

  test('its TypeScript compiles with strict checks', async () => {
    const tsc = await execa('node_modules/.bin/tsc', ['--noEmit', '--strict'], { cwd, reject: false });
    expect(tsc).toMatchObject({ exitCode: 0, stdout: '' });
  }, 120_000);

  test('`npm test` is green on one cluster, made once and gone at the end', async () => {
    const options = { cwd, env: made.env, all: true, reject: false, stdin: 'ignore' } as const;
    const { exitCode, all: output } = await execa('npm', ['test'], options);
    expectOneCluster({ exitCode, output }, { cluster: made.clusterOf(name), tests });
    expect(await made.remains(name)).toEqual(nothing);
  }, 360_000);
});
