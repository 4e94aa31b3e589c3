import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { fakeApiServer, type FakeApiServer } from './fake-api-server.js';

jest.setTimeout(240_000);

const root = path.resolve(__dirname, '../../..');
const fixtures = path.join(__dirname, 'fixtures');
const temporary = mkdtempSync(path.join(tmpdir(), 'jest-kubernetes-preset-'));

afterAll(() => {
  rmSync(temporary, { recursive: true, force: true });
});

let api: FakeApiServer;
beforeEach(async () => {
  api = await fakeApiServer(temporary);
});
afterEach(() => api.close());

/** The packed package beside one Jest, its client, and its TypeScript: 29 with the older ones, 30 with the newer. */
async function installation(jest: string): Promise<string> {
  const folder = path.join(temporary, jest);
  await execa(process.execPath, [
    path.join(root, 'test/packed/install.mjs'),
    path.join(fixtures, jest),
    folder,
  ]);
  return folder;
}

let projects = 0;

/** A project of its own below an installation: a fixture's files, or those given. */
function project(installed: string, from: string | Readonly<Record<string, string>>): string {
  projects += 1;
  const folder = path.join(installed, `project-${projects}`);
  cpSync(path.join(fixtures, typeof from === 'string' ? from : 'empty'), folder, { recursive: true });
  if (typeof from !== 'string') {
    for (const [name, content] of Object.entries(from)) writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

interface RunOptions {
  node?: string;
  args?: readonly string[];
  /** Jest options of the user's, beside the preset. */
  options?: object;
  env?: Readonly<Record<string, string>>;
}

/** Runs a real `jest` to its end, in the environment that a run gives its workers. */
async function run(folder: string, { node = process.execPath, args = [], options, env }: RunOptions = {}) {
  const { exitCode, all } = await execa(
    node,
    [path.join(folder, '../node_modules/jest/bin/jest.js'), ...args],
    {
      cwd: folder,
      all: true,
      reject: false,
      env: {
        CI: 'true',
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        NODE_OPTIONS: '',
        ...api.env,
        ...(options === undefined ? {} : { FIXTURE_JEST_OPTIONS: JSON.stringify(options) }),
        ...env,
      },
    },
  );
  return { status: exitCode, output: all };
}

const passed = { status: 0, output: expect.stringMatching(/^Tests: +\d+ passed, \d+ total$/m) as string };
/** Compiled file by file, without a look at types: that is tested once. */
const transpiled =
  '{ "compilerOptions": { "isolatedModules": true, "esModuleInterop": true, "target": "es2022" } }';

describe.each(['jest-29', 'jest-30'])('with %s', (jest) => {
  let installed: string;
  beforeAll(async () => {
    installed = await installation(jest);
  });

  const nodes: [string, () => string][] = [
    ['this Node.js', () => process.execPath],
    ['Node.js 22', () => path.join(installed, 'node_modules/node/bin/node')],
  ];

  test.each(nodes)('a user does not notice that the client is loaded natively, on %s', async (_, node) => {
    const folder = project(installed, 'project');
    writeFileSync(path.join(folder, 'tsconfig.json'), transpiled);

    expect(await run(folder, { node: node(), args: ['-w', '4'] })).toEqual(passed);
    expect(await run(folder, { node: node(), args: ['--runInBand'] })).toEqual(passed);
  });

  test('a namespace is made for each test file that asks, is used to the end, and goes', async () => {
    const folder = project(installed, 'project');
    writeFileSync(path.join(folder, 'tsconfig.json'), transpiled);

    expect(await run(folder, { args: ['namespace'], env: { FIXTURE_OUT: folder } })).toEqual(passed);

    const seen = readdirSync(folder)
      .filter((name) => name.endsWith('.spec.ts.json'))
      .map((name) => (JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as string[])[0]);
    expect(api.created.map(({ name }) => name).sort()).toEqual(seen.sort());
    expect([...api.deleted].sort()).toEqual(seen);
    for (const { labels } of api.created) {
      expect(labels).toEqual({
        'app.kubernetes.io/managed-by': 'jest-kubernetes',
        'jest-kubernetes/run-id': 'run-1',
      });
    }
  });

  test('a cluster that is kept after a failure keeps the namespace that failed', async () => {
    const folder = project(installed, {
      'good.spec.js': `test('good', () => require('jest-kubernetes').namespace());`,
      'bad.spec.js': `test('bad', async () => { throw new Error(await require('jest-kubernetes').namespace()); });`,
    });

    expect((await run(folder, { env: { JEST_KUBERNETES_KEEP: 'on-failure' } })).status).toBe(1);

    expect(api.created).toHaveLength(2);
    expect(api.deleted).toEqual([expect.stringMatching(/^good-/)]);
  });

  test.each(['--runInBand', '-w=4'])(
    "a test environment of the user's own works, with %s",
    async (workers) => {
      const folder = project(installed, 'project');
      writeFileSync(path.join(folder, 'tsconfig.json'), transpiled);
      writeFileSync(
        path.join(folder, 'own.spec.js'),
        `test('own', () => { expect(ownEnvironment).toBe(true); });`,
      );

      const options = { testEnvironment: '<rootDir>/own-environment.js' };
      expect(await run(folder, { args: [workers], options })).toEqual(passed);
      expect(api.deleted).toHaveLength(api.created.length);
    },
  );

  test('tests that are ES modules import names', async () => {
    const folder = project(installed, 'esm');
    writeFileSync(
      path.join(folder, 'tsconfig.json'),
      transpiled.replace('{ "iso', '{ "module": "esnext", "iso'),
    );

    expect(await run(folder, { env: { NODE_OPTIONS: '--experimental-vm-modules' } })).toEqual(passed);
  });

  test('one of several projects has it, the other is as it was, and globals can be off', async () => {
    const folder = project(installed, {
      'cluster.spec.js': `
        const { expect, test } = require('@jest/globals');
        const { V1ConfigMap } = require('@kubernetes/client-node');
        test('native', () => {
          expect(typeof describe).toBe('undefined');
          expect(require('jest-kubernetes').kubeConfig().getCurrentContext()).toBe('fixture');
          expect({ map: require('@kubernetes/client-node').loadYaml('a: 1') }).toStrictEqual({ map: { a: 1 } });
        });`,
      'plain.js': `test('plain', () => { expect(() => require('@kubernetes/client-node')).toThrow(); });`,
      'jest.config.js': `
        const nothing = { globalSetup: '<rootDir>/nothing.js', globalTeardown: '<rootDir>/nothing.js' };
        const cluster = { preset: 'jest-kubernetes', ...nothing, testMatch: ['<rootDir>/*.spec.js'], injectGlobals: false };
        module.exports = { projects: [cluster, { testMatch: ['<rootDir>/plain.js'] }] };`,
    });

    expect(await run(folder, { args: ['cluster'] })).toEqual(passed);
    expect((await run(folder, { args: ['plain'] })).output).toContain('plain');
  });

  test("a user's own options win, and JavaScript is transformed as ever", async () => {
    const options = {
      testTimeout: 7,
      reporters: ['summary'],
      transform: { '\\.ts$': '<rootDir>/nothing.js' },
    };
    const folder = project(installed, {});
    const { output } = await run(folder, { args: ['--showConfig'], options });
    const shown = JSON.parse(output) as {
      configs: { testEnvironment: string; transform: [string, string][] }[];
      globalConfig: { testTimeout: number; reporters: [string][] };
    };

    expect(shown.globalConfig.testTimeout).toBe(7);
    expect(shown.globalConfig.reporters.map(([name]) => name)).toEqual(['summary']);
    const [config] = shown.configs;
    const transformOf = (file: string) =>
      config?.transform.find(([pattern]) => new RegExp(pattern).test(file))?.[1];
    expect(transformOf('a.ts')).toBe(path.join(folder, 'nothing.js'));
    expect(transformOf('a.tsx')).toMatch(/jest-kubernetes.dist.jest.typescript\.js$/);
    expect(transformOf('a.js')).toMatch(/babel-jest/);
    expect(config?.testEnvironment).toMatch(/jest-kubernetes.dist.jest.environment\.js$/);
  });

  test('a test has a minute, where the user says nothing, even in one of several projects', async () => {
    const folder = project(installed, {
      'slow.spec.js': `test('slow', () => new Promise((done) => { setTimeout(done, 5_500); }));`,
      'jest.config.js': `
        const nothing = { globalSetup: '<rootDir>/nothing.js', globalTeardown: '<rootDir>/nothing.js' };
        module.exports = { projects: [{ preset: 'jest-kubernetes', ...nothing, testMatch: ['<rootDir>/*.spec.js'] }] };`,
    });

    expect(await run(folder)).toEqual(passed);
  });

  test('switched off, it makes nothing, and says so to a test that asks for a cluster', async () => {
    const folder = project(installed, {
      'unit.spec.js': `test('unit', () => { expect(require('@kubernetes/client-node').V1Pod).toBeDefined(); });`,
      'asks.spec.js': `test('asks', () => { require('jest-kubernetes').kubeConfig(); });`,
      'jest.config.js': `module.exports = { preset: 'jest-kubernetes', testMatch: ['<rootDir>/*.spec.js'] };`,
    });
    const off = { JEST_KUBERNETES: 'off', KUBECONFIG: '', JEST_KUBERNETES_CONTEXT: '' };

    expect(await run(folder, { args: ['unit'], env: off })).toEqual(passed);
    const { status, output } = await run(folder, { args: ['asks'], env: off });
    expect(status).toBe(1);
    expect(output).toContain('There is no cluster in this process');
    expect(output).toContain('unset JEST_KUBERNETES');
  });

  const compilerOptions = [
    undefined,
    { module: 'commonjs', strict: true },
    { module: 'nodenext', strict: true, outDir: 'dist' },
    { module: 'esnext', moduleResolution: 'bundler', noEmit: true, target: 'es2022' },
  ];
  test.each(compilerOptions)('TypeScript makes no noise with compiler options %j', async (compiler) => {
    const folder = project(installed, {
      'sum.spec.ts': `
        import { join } from 'node:path';
        import { sum } from './sum';
        describe('sum', () => {
          it('adds', () => { expect(sum(1, join('a').length)).toBe(2); expect(process.pid).toBeGreaterThan(0); });
        });`,
      'sum.ts': 'export const sum = (a: number, b: number): number => a + b;',
      ...(compiler === undefined ? {} : { 'tsconfig.json': JSON.stringify({ compilerOptions: compiler }) }),
    });

    const { status, output } = await run(folder);
    expect({ status, noise: /^.*(warn|TS\d+|deprecat).*$/im.exec(output)?.[0] }).toEqual({
      status: 0,
      noise: undefined,
    });
  });

  test('a type error in a test fails it', async () => {
    const folder = project(installed, {
      'wrong.spec.ts': `test('x', () => { const n: number = 'text'; void n; });`,
    });

    const { status, output } = await run(folder);
    expect(status).toBe(1);
    expect(output).toContain('TS2322');
  });
});

describe('with the newest Jest', () => {
  let installed: string;
  beforeAll(async () => {
    installed = await installation('jest-30');
  });

  test('the test API is typed', async () => {
    const folder = project(installed, 'project');
    expect(await run(folder, { args: ['client'] })).toEqual(passed);
  });

  test('a missing client is named, with the command that installs it', async () => {
    const without = path.join(temporary, 'without-client');
    cpSync(installed, without, {
      recursive: true,
      filter: (from) => !from.includes('node_modules/@kubernetes'),
    });
    const folder = project(without, {
      'asks.spec.js': `require('@kubernetes/client-node'); test('x', () => {});`,
    });

    const { status, output } = await run(folder);
    expect(status).toBe(1);
    expect(output).toContain('Cannot find the package @kubernetes/client-node');
    expect(output).toContain('npm i -D @kubernetes/client-node');
  });
});
