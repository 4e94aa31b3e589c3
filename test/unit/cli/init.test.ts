import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { Place } from './command.js';

jest.setTimeout(60_000);

const installed = (...names: string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [`node_modules/${name}/package.json`, { name, version: '1.0.0' }]));

async function init(files: Record<string, unknown> = {}) {
  const place = new Place(files);
  const ended = await place.run(['init']);
  const read = (name: string): string => readFileSync(path.join(place.folder, name), 'utf8');
  const made = readdirSync(place.folder).filter((name) => !['.git', ...Object.keys(files)].includes(name));
  return { place, ...ended, read, made };
}

test('an empty folder becomes a project in TypeScript, and its reader is told how it goes on', async () => {
  const { status, stdout, stderr, read, made } = await init();
  expect({ status, stderr, made }).toEqual({
    status: 0,
    stderr: '',
    made: ['cluster.test.ts', 'jest.config.js'],
  });
  expect(read('jest.config.js')).toBe("module.exports = { preset: 'jest-kubernetes' };\n");
  expect(read('cluster.test.ts')).toMatch(/^import \{ client, namespace \} from 'jest-kubernetes';\n/);
  expect(stdout).toBe(
    [
      ' + jest.config.js: the preset',
      ' + cluster.test.ts: a first test',
      '',
      'Install what is missing:',
      '  npm install --save-dev jest-kubernetes jest @types/jest typescript @kubernetes/client-node',
      '',
      'Run the tests:',
      '  npx jest',
    ].join('\n'),
  );
});

test('a project in JavaScript gets JavaScript', async () => {
  const { read, made, stdout } = await init({ 'package.json': {} });
  expect(made).toEqual(['cluster.test.js', 'jest.config.js']);
  expect(read('cluster.test.js')).toMatch(/^const \{ client, namespace \} = require\('jest-kubernetes'\);\n/);
  expect(stdout).not.toContain('typescript');
});

test('an ES module gets ES modules, and the flag that Jest wants for them', async () => {
  const { read, stdout } = await init({ 'package.json': { type: 'module' } });
  expect(read('jest.config.js')).toBe("export default { preset: 'jest-kubernetes' };\n");
  expect(read('cluster.test.js')).toMatch(/^import /);
  expect(stdout).toMatch(/\n {2}NODE_OPTIONS=--experimental-vm-modules npx jest$/);
});

test.each([
  ['a dependency', { 'package.json': { devDependencies: { typescript: '^6' } } }],
  ['tsconfig.json', { 'package.json': { type: 'module' }, 'tsconfig.json': '{}' }],
])('TypeScript is known by %s, and needs no flag', async (_, files) => {
  const { made, stdout } = await init(files);
  expect(made).toContain('cluster.test.ts');
  expect(stdout).not.toContain('NODE_OPTIONS');
});

test.each([
  ['package-lock.json', 'npm install --save-dev', 'npx jest'],
  ['pnpm-lock.yaml', 'pnpm add --save-dev', 'pnpm exec jest'],
  ['yarn.lock', 'yarn add --dev', 'yarn jest'],
])('with %s, what is missing is installed by %s', async (lock, add, run) => {
  const there = installed('jest', 'jest-kubernetes');
  const { stdout } = await init({ 'package.json': {}, [lock]: '', ...there });
  expect(stdout).toContain(`  ${add} @kubernetes/client-node\n`);
  expect(stdout.endsWith(`  ${run}`)).toBe(true);
});

test('nothing is asked for where nothing is missing', async () => {
  const there = installed('jest', 'jest-kubernetes', '@kubernetes/client-node');
  expect((await init({ 'package.json': {}, ...there })).stdout).not.toContain('Install');
});

describe('what is there stays as it is', () => {
  const theirs = "module.exports = { testTimeout: 1 }; // 'mine'\n";

  test('a Jest config: it is said what to add', async () => {
    const { read, stdout, made } = await init({ 'package.json': {}, 'jest.config.cjs': theirs });
    expect(read('jest.config.cjs')).toBe(theirs);
    expect(made).toEqual(['cluster.test.js']);
    expect(stdout).toContain(" ! jest.config.cjs stays as it is. Add to it: preset: 'jest-kubernetes'");
  });

  test('the key of package.json', async () => {
    const { stdout, made } = await init({ 'package.json': { jest: { verbose: true } } });
    expect(made).toEqual(['cluster.test.js']);
    expect(stdout).toContain(' ! package.json stays as it is. Add to it: "preset": "jest-kubernetes"');
  });

  test('a config that names the preset already, and a test', async () => {
    const config = "module.exports = { preset: 'jest-kubernetes' };";
    const files = { 'package.json': {}, 'jest.config.js': config, 'cluster.test.mjs': 'theirs' };
    const { stdout, read, made } = await init(files);
    expect(made).toEqual([]);
    expect(read('cluster.test.mjs')).toBe('theirs');
    expect(stdout).toContain(
      ' = jest.config.js stays: it names jest-kubernetes already\n = cluster.test.mjs stays as it is',
    );
  });

  test('a second time nothing is written', async () => {
    const { place } = await init();
    const again = await place.run(['init']);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout).not.toContain(' + ');
  });
});

test('a package.json that is not JSON is told before anything is written', async () => {
  const { status, stderr, made } = await init({ 'package.json': '{' });
  expect({ status, made }).toEqual({ status: 1, made: [] });
  expect(stderr).toMatch(/\(CONFIG_INVALID\)/);
});
