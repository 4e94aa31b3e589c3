import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { execa } from 'execa';

import { postgresVariables, prepareTemplate } from '../../../src/postgres/index.js';
import { silent } from '../../../src/report/index.js';
import { postgresConfig } from '../../postgres-config.js';
import { localServer, migrating } from '../postgres/local-server.js';
import { type FakeApiServer, fakeApiServer } from './fake-api-server.js';

jest.setTimeout(240_000);

const root = path.resolve(__dirname, '../../..');
const fixtures = path.join(__dirname, 'fixtures');
const temporary = mkdtempSync(path.join(tmpdir(), 'jest-kubernetes-preset-'));
/** The packed package beside one Jest, its client, and its TypeScript: 29 with the older ones, 30 with the newer. */
const installed = (jest: string): string => path.join(temporary, jest);
/** Other versions of Node.js, which are installed with Jest 30. */
const otherNode = (version: string): string =>
  path.join(installed('jest-30'), 'node_modules', version, 'bin/node');

beforeAll(async () => {
  const install = pathToFileURL(path.join(root, 'test/packed/install.mjs')).href;
  // packed once, installed side by side
  const script = `
    import { install, pack } from '${install}';
    await pack();
    await Promise.all(${JSON.stringify(['jest-29', 'jest-30'])}.map((jest) =>
      install('${fixtures}/' + jest, '${temporary}/' + jest)));`;
  await execa(process.execPath, ['--input-type=module', '--eval', script]);
});
afterAll(() => {
  rmSync(temporary, { recursive: true, force: true });
});

let api: FakeApiServer;
beforeEach(async () => {
  api = await fakeApiServer(temporary);
});
afterEach(() => api.close());

type Files = Readonly<Record<string, string>>;

function write(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

let projects = 0;

/** A project of its own below an installation: a fixture's files, those given, or both. */
function project(installation: string, from: string | Files, more: Files = {}): string {
  projects += 1;
  const folder = path.join(installation, `project-${projects}`);
  cpSync(path.join(fixtures, typeof from === 'string' ? from : 'empty'), folder, { recursive: true });
  write(folder, typeof from === 'string' ? more : from);
  return folder;
}

/** Where a strict package manager (pnpm) has put an installation's packages: it sees those that it asked for. */
function strictInstallation(installation: string, packages: readonly string[]): string {
  const strict = path.join(temporary, `strict-${path.basename(installation)}`);
  for (const name of packages) {
    const link = path.join(strict, 'node_modules', name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(installation, 'node_modules', name), link);
  }
  return strict;
}

interface RunOptions {
  args?: readonly string[];
  /** Jest options of the user's, beside the preset. */
  options?: object;
  env?: Readonly<Record<string, string | undefined>>;
  /** What is run, from the project's folder; default: Jest. */
  script?: string;
}

/** Runs a real `jest` to its end, in the environment that a run gives its workers. */
async function runWith(
  node: string,
  folder: string,
  { args = [], options, env, script = '../node_modules/jest/bin/jest.js' }: RunOptions = {},
) {
  const { exitCode, all } = await execa(node, [path.join(folder, script), ...args], {
    cwd: folder,
    all: true,
    reject: false,
    // one that does not end by itself
    timeout: 100_000,
    killSignal: 'SIGKILL',
    env: {
      CI: 'true',
      GITHUB_ACTIONS: undefined,
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      NODE_OPTIONS: '',
      JEST_KUBERNETES: undefined,
      ...api.env,
      ...(options === undefined ? {} : { FIXTURE_JEST_OPTIONS: JSON.stringify(options) }),
      ...env,
    },
  });
  return { status: exitCode, output: all };
}

const passed = { status: 0, output: expect.stringMatching(/^Tests: +\d+ passed, \d+ total$/m) as string };
/** Compiled file by file, without a look at types: that is tested once. */
const transpiled = {
  'tsconfig.json':
    '{ "compilerOptions": { "isolatedModules": true, "esModuleInterop": true, "target": "es2022" } }',
};
/** A cluster that is there already: neither made nor deleted by the run. */
const given = `globalSetup: '<rootDir>/nothing.js', globalTeardown: '<rootDir>/nothing.js'`;

const nodes = {
  'this Node.js': () => process.execPath,
  'Node.js 22': () => otherNode('node-22'),
};

/** Everything on one diagonal of the matrix; what matters most on the other. */
describe.each([
  { jest: 'jest-29', node: 'Node.js 22', other: 'this Node.js' },
  { jest: 'jest-30', node: 'this Node.js', other: 'Node.js 22' },
] as const)('with $jest on $node', ({ jest, node, other }) => {
  const here = installed(jest);
  const run = (folder: string, options?: RunOptions) => runWith(nodes[node](), folder, options);

  test.each([
    { reset: 'test', inEachTest: [2, 2], beforeEachFile: ['0', '0'] },
    { reset: 'file', inEachTest: [2, 4], beforeEachFile: ['0', '0'] },
    { reset: 'never', inEachTest: [2, 4], beforeEachFile: ['0', '4'] },
  ] as const)(
    'a database is given back as `reset: ‘$reset’` says, before hooks of a test’s own',
    async ({ reset, inEachTest, beforeEachFile }) => {
      const server = await localServer();
      try {
        const migrate = migrating('CREATE TABLE goods (name text)');
        const template = await prepareTemplate(
          undefined as never,
          { ...postgresConfig, migrate },
          server.address,
          {
            ...{ signal: AbortSignal.timeout(60_000), progress: silent, cwd: here },
          },
        );
        const file = `
        const { Pool } = require('pg');
        const pool = new Pool();
        const count = async () => (await pool.query('TABLE goods')).rows.length;
        const add = () => pool.query("INSERT INTO goods VALUES ('pen')");
        let before;
        beforeAll(async () => {
          before = await count();
          require('node:fs').appendFileSync(require('node:path').join(__dirname, 'seen'), before + ' ');
        });
        afterAll(() => pool.end());
        beforeEach(add);
        test.each(${JSON.stringify(inEachTest)})('%s', async (rows) => {
          await add();
          expect(await count()).toBe(before + rows);
        });`;
        const config = `module.exports = { preset: 'jest-kubernetes', ${given}, maxWorkers: 1 };`;
        const folder = project(here, {
          ...{ 'jest.config.js': config, 'nothing.js': 'module.exports = () => {};' },
          ...{ 'a.test.js': file, 'b.test.js': file },
        });
        const env = postgresVariables({ ...server.address, template, runId: 'preset', reset });
        expect(await run(folder, { env })).toMatchObject(passed);
        expect(readFileSync(path.join(folder, 'seen'), 'utf8').trim().split(' ')).toEqual(beforeEachFile);
      } finally {
        await server.stop();
      }
    },
  );

  test.each(['-w=4', '--runInBand'])(
    'a user does not notice that the client is loaded natively, with %s',
    async (workers) => {
      const folder = project(here, 'project', transpiled);
      expect(await run(folder, { args: [workers] })).toEqual(passed);
    },
  );

  test(`it is the same on ${other}`, async () => {
    const folder = project(here, 'project', transpiled);
    expect(await runWith(nodes[other](), folder, { args: ['-w=2', 'realm', 'plain', 'spy'] })).toEqual(
      passed,
    );
    const modules = project(here, 'esm', transpiled);
    const env = { NODE_OPTIONS: '--experimental-vm-modules' };
    expect(await runWith(nodes[other](), modules, { args: ['module'], env })).toEqual(passed);
  });

  test('a namespace is made for each test file that asks, is used to the end, and goes', async () => {
    const folder = project(here, 'project', transpiled);

    // in a cluster that was there before, where the namespace is to be found again
    const env = { FIXTURE_OUT: folder, JEST_KUBERNETES_OWNER: 'f5e6366d' };
    expect(await run(folder, { args: ['namespace'], env })).toEqual(passed);

    const seen = namespacesSeen(folder);
    expect(seen.map((names) => new Set(names).size)).toEqual([1, 1]);
    expect(api.created.map(({ name }) => name).sort()).toEqual(seen.map(([name]) => name).sort());
    expect([...api.deleted].sort()).toEqual(seen.map(([name]) => name).sort());
    for (const { labels } of api.created) {
      expect(labels).toEqual({
        'app.kubernetes.io/managed-by': 'jest-kubernetes',
        'jest-kubernetes/cluster': 'fixture',
        'jest-kubernetes/owner': 'f5e6366d',
        'jest-kubernetes/run-id': 'run-1',
      });
    }
  });

  test('a cluster that is kept after a failure keeps the namespace that failed', async () => {
    const folder = project(here, {
      'good.spec.js': `test('good', () => require('jest-kubernetes').namespace());`,
      'bad.spec.js': `test('bad', async () => { throw new Error(await require('jest-kubernetes').namespace()); });`,
    });

    expect((await run(folder, { env: { JEST_KUBERNETES_KEEP: 'on-failure' } })).status).toBe(1);

    expect(api.created).toHaveLength(2);
    expect(api.deleted).toEqual([expect.stringMatching(/^good-/)]);
  });

  test.each(['--runInBand', '-w=4'])(
    "under a test environment of the user's own a namespace serves the user's last afterAll, with %s",
    async (workers) => {
      const folder = project(here, 'project', {
        ...transpiled,
        'own.spec.js': `test('own', () => { expect(ownEnvironment).toBe(true); });`,
      });

      const options = { testEnvironment: '<rootDir>/own-environment.js' };
      const args = [workers, 'namespace', 'own', 'realm'];
      expect(await run(folder, { args, options, env: { FIXTURE_OUT: folder } })).toEqual(passed);
      expect(namespacesSeen(folder).map((names) => new Set(names).size)).toEqual([1, 1]);
      expect([...api.deleted].sort()).toEqual(api.created.map(({ name }) => name).sort());
    },
  );

  test('tests that are ES modules import names', async () => {
    const folder = project(here, 'esm', {
      'tsconfig.json': transpiled['tsconfig.json'].replace('{ "iso', '{ "module": "esnext", "iso'),
    });

    expect(await run(folder, { env: { NODE_OPTIONS: '--experimental-vm-modules' } })).toEqual(passed);
  });

  test('a mock that lies beside the tests takes the place of the client', async () => {
    const folder = project(here, {
      '__mocks__/@kubernetes/client-node.js': `module.exports = { loadYaml: () => 'by hand' };`,
      'by-hand.spec.js': `
        const { loadYaml } = require('@kubernetes/client-node');
        test('mocked', () => { expect(loadYaml('a: 1')).toBe('by hand'); });
        test('there is the real one', () => {
          expect(jest.requireActual('@kubernetes/client-node').loadYaml('a: 1')).toEqual({ a: 1 });
        });`,
    });

    const { status, output } = await run(folder, { options: { testMatch: ['<rootDir>/by-hand.spec.js'] } });
    expect({ status, output }).toEqual(passed);
  });

  test('one of several projects has it, the other is as it was, and globals can be off', async () => {
    const folder = project(here, {
      'cluster.spec.js': `
        const { expect, test } = require('@jest/globals');
        test('native', () => {
          expect(typeof describe).toBe('undefined');
          expect(require('jest-kubernetes').kubeConfig().getCurrentContext()).toBe('fixture');
          expect({ map: require('@kubernetes/client-node').loadYaml('a: 1') }).toStrictEqual({ map: { a: 1 } });
        });`,
      'plain.js': `
        test('plain', () => {
          expect(require.resolve('@kubernetes/client-node')).toContain('node_modules/@kubernetes/client-node');
        });`,
      'jest.config.js': `
        const cluster = {
          preset: 'jest-kubernetes', ${given}, testMatch: ['<rootDir>/*.spec.js'], injectGlobals: false,
        };
        module.exports = { projects: [cluster, { testMatch: ['<rootDir>/plain.js'] }] };`,
    });

    expect(await run(folder)).toEqual(passed);
  });

  test('the configuration is that of the projects that are selected, wherever Jest’s own lies', async () => {
    const wrong = (name: string): string => JSON.stringify({ [name]: 1 });
    const folder = project(here, {
      'jest.config.js': `module.exports = { projects: ['<rootDir>/api', '<rootDir>/config/shop.config.js'] };`,
      'api/jest.config.js': `module.exports = { displayName: 'api', preset: 'jest-kubernetes' };`,
      'api/jest-kubernetes.config.json': wrong('ofApi'),
      'api/a.test.js': `test('passes', () => undefined);`,
      // as Nx lays it out
      'config/shop.config.js': `module.exports = { displayName: 'shop', preset: 'jest-kubernetes', rootDir: '../apps/shop' };`,
      'apps/shop/package.json': '{}',
      'apps/shop/jest-kubernetes.config.json': wrong('ofShop'),
      'apps/shop/a.test.js': `test('passes', () => undefined);`,
    });
    for (const [args, name] of [
      [['--selectProjects', 'api'], 'ofApi'],
      [['--selectProjects', 'shop'], 'ofShop'],
      [['--ignoreProjects=api'], 'ofShop'],
      [['--config', 'config/shop.config.js'], 'ofShop'],
      [['--projects', 'config/shop.config.js', 'api', '--ignoreProjects', 'api'], 'ofShop'],
    ] as const) {
      const { status, output } = await run(folder, { args });
      expect(status).toBe(1);
      expect(output.match(/of(?:Api|Shop): not a known key/g)).toEqual([`${name}: not a known key`]);
    }
  });

  test("a user's own options win, and JavaScript is transformed as ever", async () => {
    const options = {
      testTimeout: 7,
      reporters: ['summary'],
      transform: { '\\.ts$': '<rootDir>/nothing.js' },
    };
    const folder = project(here, {});
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

  test("a user's own transform, names, set-up files and time-out work beside the preset", async () => {
    const folder = project(here, {
      'text.js': `exports.process = (text) => ({ code: 'module.exports = ' + JSON.stringify(text) });`,
      'words.txt': 'three little words',
      'lib-answer.js': `module.exports = require('@kubernetes/client-node').loadYaml('answer: 42');`,
      'own-setup.js': `globalThis.ownSetup = true;`,
      'own-setup-after-env.js': `expect.extend({ toBeOwn: (value) => ({ pass: value === 'own', message: () => '' }) });`,
      'all.spec.js': `
        test('all are there', () => {
          expect(require('./words.txt')).toBe('three little words');
          expect(require('#lib/answer')).toStrictEqual({ answer: 42 });
          expect(ownSetup).toBe(true);
          expect('own').toBeOwn();
          expect(require('jest-kubernetes').kubeConfig()).toBeInstanceOf(require('@kubernetes/client-node').KubeConfig);
        });`,
      'slow.spec.js': `test('slow', () => new Promise(() => {}));`,
    });
    const options = {
      moduleNameMapper: { '^#lib/(.*)$': '<rootDir>/lib-$1.js' },
      setupFiles: ['<rootDir>/own-setup.js'],
      setupFilesAfterEnv: ['<rootDir>/own-setup-after-env.js'],
      testTimeout: 70,
      transform: { '\\.txt$': '<rootDir>/text.js' },
    };

    expect(await run(folder, { args: ['all', '--testTimeout=60000'], options })).toEqual(passed);
    expect((await run(folder, { args: ['slow'], options })).output).toContain('Exceeded timeout of 70 ms');
  });

  test('a test has a minute, where the user says nothing, even in one of several projects', async () => {
    const folder = project(here, {
      'slow.spec.js': `test('slow', () => new Promise((done) => { setTimeout(done, 5_500); }));`,
      'jest.config.js': `
        module.exports = { projects: [{ preset: 'jest-kubernetes', ${given}, testMatch: ['<rootDir>/*.spec.js'] }] };`,
    });

    expect(await run(folder)).toEqual(passed);
  });

  test('switched off, it makes nothing, and says so to a test that asks for a cluster', async () => {
    const folder = project(here, {
      'unit.spec.js': `test('unit', () => { expect(require('@kubernetes/client-node').V1Pod).toBeDefined(); });`,
      'asks.spec.js': `test('asks', () => { require('jest-kubernetes').kubeConfig(); });`,
      'jest.config.js': `module.exports = { preset: 'jest-kubernetes', testMatch: ['<rootDir>/*.spec.js'] };`,
    });
    const off = { JEST_KUBERNETES: 'off', KUBECONFIG: undefined, JEST_KUBERNETES_CONTEXT: undefined };

    expect(await run(folder, { args: ['unit'], env: off })).toEqual(passed);
    const { status, output } = await run(folder, { args: ['asks'], env: off });
    expect(status).toBe(1);
    expect(output).toContain('There is no cluster in this process');
    expect(output).toContain('unset JEST_KUBERNETES');
  });

  test.each(['global-setup.js', 'global-setup.mjs', 'global-setup.ts'])(
    "a %s of the user's own calls ours, whose errors reach the user",
    async (name) => {
      const parameters = name.endsWith('.ts')
        ? 'globalConfig: Config.GlobalConfig, projectConfig: Config.ProjectConfig'
        : 'globalConfig, projectConfig';
      const importing = `
        ${name.endsWith('.ts') ? "import type { Config } from '@jest/types';" : ''}
        import setup from 'jest-kubernetes/global-setup';
        export default async (${parameters}) => {
          await setup(globalConfig, projectConfig);
          process.env.OWN_SETUP = 'done';
        };`;
      const requiring = `
        const setup = require('jest-kubernetes/global-setup');
        module.exports = async (...both) => { await setup(...both); process.env.OWN_SETUP = 'done'; };`;
      const folder = project(here, {
        ...transpiled,
        [name]: name.endsWith('.js') ? requiring : importing,
        'own.spec.js': `test('own', () => { expect(process.env.OWN_SETUP).toBe('done'); });`,
        'package.json': '{ "private": true, "workspaces": [], "jest-kubernetes": { "klaster": {} } }',
      });
      const options = { globalSetup: `<rootDir>/${name}` };

      const { status, output } = await run(folder, { options });
      expect(status).toBe(1);
      expect(output).toMatch(/^jest-kubernetes: The configuration .*package\.json is not valid/);
      expect(output).toContain('klaster: not a known key');
      expect(output).not.toMatch(/^ +at /m);
      expect(await run(folder, { options, env: { JEST_KUBERNETES: 'off' } })).toEqual(passed);
    },
  );

  test('TypeScript makes no noise, whatever the compiler options, and finds types and files', async () => {
    const compilerOptions = {
      missing: undefined,
      commonjs: { module: 'commonjs', strict: true, esModuleInterop: true },
      nodenext: { module: 'nodenext', strict: true, outDir: 'dist' },
      esnext: { module: 'esnext', moduleResolution: 'bundler', noEmit: true, target: 'es2022' },
    };
    // one without, as its types take seconds to be read
    const imports = `
          import { V1Pod } from '@kubernetes/client-node';
          import { namespace } from 'jest-kubernetes';`;
    const uses = `
              expect(new V1Pod().kind).toBeUndefined();
              expect((await namespace()).startsWith('sum-')).toBe(true);`;
    const files = Object.entries(compilerOptions).map(([name, options]): Files => {
      const source = {
        'sum.spec.ts': `
          import { join } from 'node:path';
          ${name === 'commonjs' ? '' : imports}
          import { sum } from '${name === 'commonjs' ? './sum' : './sum.js'}';
          describe('sum', () => {
            it('adds', async () => {
              expect(sum(1, join('a').length)).toBe(2);
              ${name === 'commonjs' ? '' : uses}
              expect(process.pid).toBeGreaterThan(0);
            });
          });`,
        'sum.ts': 'export const sum = (a: number, b: number): number => a + b;',
        'jest.config.json': JSON.stringify({
          preset: 'jest-kubernetes',
          globalSetup: '<rootDir>/../nothing.js',
          globalTeardown: '<rootDir>/../nothing.js',
          testMatch: ['<rootDir>/*.spec.ts'],
        }),
        // TypeScript asks for './sum.js' where this is so
        ...(name === 'nodenext' ? { 'package.json': '{ "type": "module", "private": true }' } : {}),
        ...(options === undefined ? {} : { 'tsconfig.json': JSON.stringify({ compilerOptions: options }) }),
      };
      return Object.fromEntries(
        Object.entries(source).map(([file, content]) => [`${name}/${file}`, content]),
      );
    });
    const folder = project(here, {
      ...(Object.assign({}, ...files) as Files),
      'jest.config.js': `module.exports = { projects: ${JSON.stringify(Object.keys(compilerOptions))} };`,
    });

    const { status, output } = await run(folder);
    expect({ status, noise: /^.*(warn|TS\d+|deprecat).*$/im.exec(output)?.[0], output }).toEqual({
      status: 0,
      noise: undefined,
      output: expect.stringMatching(/^Tests: +4 passed, 4 total$/m) as string,
    });
  });

  test('a type error in a test fails it', async () => {
    const folder = project(here, {
      'wrong.spec.ts': `test('x', () => { const n: number = 'text'; void n; });`,
    });

    const { status, output } = await run(folder);
    expect(status).toBe(1);
    expect(output).toContain('TS2322');
  });

  test('ts-jest’s own options are taken, and a tsconfig is found from wherever Jest was started', async () => {
    const options = { tsconfig: 'tsconfig.test.json' };
    const folder = project(here, {
      'jest.config.js': `module.exports = {
        preset: 'jest-kubernetes', ${given},
        transform: { '^.+\\\\.tsx?$': ['jest-kubernetes/typescript', ${JSON.stringify(options)}] },
      };`,
      'nothing.js': 'module.exports = () => {};',
      'tsconfig.json':
        '{ "compilerOptions": { "strict": true, "esModuleInterop": true, "types": ["jest"] } }',
      'tsconfig.test.json': '{ "extends": "./tsconfig.json", "compilerOptions": { "strict": false } }',
      'loose.spec.ts': `test('x', () => { const same = (x) => x; expect(same(1)).toBe(1); });`,
      'elsewhere/empty.js': '',
    });
    expect(await run(folder)).toEqual(passed);
    const elsewhere = path.join(folder, 'elsewhere');
    const script = '../../node_modules/jest/bin/jest.js';
    expect(await run(elsewhere, { args: ['--config', '../jest.config.js'], script })).toEqual(passed);
  });

  test.each(['babel', 'v8'])(
    "--coverage counts the user's files and no others, with %s",
    async (provider) => {
      const folder = project(here, {
        ...transpiled,
        'code.ts': `
import { loadYaml } from '@kubernetes/client-node';
export const covered = (text: string): unknown => {
  return loadYaml(text);
};
export const missed = (): string => {
  return 'missed';
};`,
        'plain.js': `exports.plain = () => 'plain';`,
        'code.spec.ts': `
        import { kubeConfig } from 'jest-kubernetes';
        import { covered } from './code';
        const { plain } = require('./plain');
        test('covered', () => {
          expect(covered('a: 1')).toEqual({ a: 1 });
          expect(plain()).toBe('plain');
          expect(kubeConfig().getCurrentContext()).toBe('fixture');
        });`,
      });
      const args = ['--coverage', `--coverageProvider=${provider}`, '--coverageReporters=json-summary'];

      expect(await run(folder, { args })).toEqual(passed);

      const summary = JSON.parse(
        readFileSync(path.join(folder, 'coverage/coverage-summary.json'), 'utf8'),
      ) as Record<string, Record<'lines' | 'functions', { pct: number }>>;
      const { total, ...counted } = summary;
      expect(total).toBeDefined();
      expect(Object.keys(counted).map((file) => path.relative(folder, file))).toEqual([
        'code.ts',
        'plain.js',
      ]);
      const [code, plain] = Object.values(counted);
      expect([code?.functions.pct, plain?.functions.pct]).toEqual([50, 100]);
      expect(code?.lines.pct).toBeGreaterThan(50);
      expect(code?.lines.pct).toBeLessThan(100);
    },
  );

  test('nothing that a client has opened keeps Jest from ending', async () => {
    const asks = `
      const k8s = require('@kubernetes/client-node');
      const { client, namespace } = require('jest-kubernetes');
      test('asks', async () => {
        expect((await client(k8s.CoreV1Api).listNamespacedPod({ namespace: 'shop' })).items).toHaveLength(1);
        expect(await namespace()).toMatch(/^asks-/);
      });`;
    const folder = project(here, { 'asks-a.spec.js': asks, 'asks-b.spec.js': asks });
    const complaint = /open handle|failed to exit gracefully|did not exit|force exited/i;

    for (const args of [['--detectOpenHandles'], ['-w=2'], ['--runInBand']]) {
      const ended = await run(folder, { args });
      expect(ended).toEqual(passed);
      expect(ended.output).not.toMatch(complaint);
    }
  });

  test('a strict package manager lets the project see no package but those it asked for', async () => {
    const strict = strictInstallation(here, [
      'jest',
      'jest-kubernetes',
      'typescript',
      '@kubernetes/client-node',
      '@types',
    ]);
    const files = {
      'own.js': `exports.process = (code) => ({ code: code.replace('REPLACED', '42') });`,
      'javascript.spec.js': `test('own', () => { expect(REPLACED).toBe(42); });`,
      'typescript.spec.ts': `
        import { KubeConfig } from '@kubernetes/client-node';
        import { kubeConfig } from 'jest-kubernetes';
        test('typed', () => { const config: KubeConfig = kubeConfig(); expect(config).toBeInstanceOf(KubeConfig); });`,
    };
    const options = { transform: { '^.+\\.js$': '<rootDir>/own.js' } };

    expect(await run(project(strict, files), { options })).toEqual(passed);
  });
});

/** What the fixture's test files have had from `namespace()`, each throughout its hooks and tests. */
function namespacesSeen(folder: string): string[][] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.spec.ts.json'))
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as string[]);
}

describe('with the newest Jest', () => {
  const here = installed('jest-30');

  test('the test API is typed', async () => {
    const folder = project(here, 'project');
    expect(await runWith(process.execPath, folder, { args: ['client'] })).toEqual(passed);
  });

  /** The installation once more, some of its packages being others of it, or not there. */
  const changed = (name: string, packages: Readonly<Record<string, string | undefined>>): string => {
    const copy = path.join(temporary, name);
    mkdirSync(path.join(copy, 'node_modules'), { recursive: true });
    for (const each of readdirSync(path.join(here, 'node_modules'))) {
      const from = each in packages ? packages[each] : each;
      if (from === undefined) continue;
      cpSync(path.join(here, 'node_modules', from), path.join(copy, 'node_modules', each), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
    return copy;
  };

  test('with TypeScript 7, which ts-jest cannot use, tests run with their types taken away', async () => {
    const copy = changed('typescript-7', { typescript: 'typescript-7' });
    const typed = `
      import { basename } from 'node:path';
      import { KubeConfig } from '@kubernetes/client-node';
      import { kubeConfig } from 'jest-kubernetes';
      import { double, Colour } from './code';
      jest.mock('node:os', () => ({ hostname: (): string => 'mocked' }));
      import { hostname } from 'node:os';

      class Box<const T> { constructor(private readonly inside: T) {} get(): T { return this.inside; } }
      test('typed', async (): Promise<void> => {
        const config: KubeConfig = kubeConfig();
        expect(config).toBeInstanceOf(KubeConfig);
        expect(new Box(double(21) satisfies number).get()).toBe(42);
        expect([Colour.Red, basename('a/b'), hostname()]).toEqual([0, 'b', 'mocked']);
        expect((await import('./code')).double(1)).toBe(2);
      });`;
    const code = 'export const double = (n: number): number => n * 2;\nexport enum Colour { Red }';
    const folder = project(copy, { 'typed.spec.ts': typed, 'code.ts': code });
    const ended = await runWith(process.execPath, folder);
    expect(ended).toEqual(passed);
    expect(ended.output).not.toMatch(/warning/i);

    const red = `\n\ntest('red', (): void => {\n  const n: number = 1;\n  expect(n).toBe(2);\n});`;
    const failing = await runWith(process.execPath, project(copy, { 'red.spec.ts': red }));
    expect(failing.status).toBe(1);
    expect(failing.output).toContain('red.spec.ts:5:13');

    const jsx = project(copy, { 'view.spec.tsx': `test('x', () => { const x = <div />; });` });
    const refused = await runWith(process.execPath, jsx);
    expect(refused.output).toContain('JSX needs a transform of your own for .tsx files');
  });

  test('a missing client is named, with the command that installs it', async () => {
    const without = changed('without-client', { '@kubernetes': undefined });
    const folder = project(without, {
      'asks.spec.js': `require('@kubernetes/client-node'); test('x', () => {});`,
    });

    const { status, output } = await runWith(process.execPath, folder);
    expect(status).toBe(1);
    expect(output).toContain('Cannot find the package @kubernetes/client-node');
    expect(output).toContain('npm i -D @kubernetes/client-node');
  });

  test('an older Node.js is refused in one line, by the preset and by a global setup that calls ours', async () => {
    const folder = project(here, {
      'x.spec.js': `test('x', () => {});`,
      'own-setup.js': `module.exports = require('jest-kubernetes/global-setup');`,
      'without-preset.json': JSON.stringify({
        globalSetup: '<rootDir>/own-setup.js',
        testMatch: ['<rootDir>/x.spec.js'],
      }),
    });

    for (const args of [[], ['--config=without-preset.json']]) {
      expect(await runWith(otherNode('node-20'), folder, { args })).toEqual({
        status: 1,
        output: expect.stringMatching(
          /^jest-kubernetes needs Node\.js 22\.22 or newer, and this is v20\.\d+\.\d+ \(NODE_TOO_OLD\)\.$/,
        ) as string,
      });
    }
  });
});
