import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { findConfig } from '../../../src/config/find.js';
import { configured, project, thrownBy } from './project.js';

test.each(['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'])(
  'jest-kubernetes.config.%s is found',
  (extension) => {
    const folder = project({ [`jest-kubernetes.config.${extension}`]: '' });
    expect(findConfig(folder, undefined).file).toBe(path.join(folder, `jest-kubernetes.config.${extension}`));
  },
);

test('the key jest-kubernetes in package.json is one, and package.json without it is none', () => {
  const folder = project({ 'package.json': { workspaces: [], 'jest-kubernetes': {} } });
  expect(findConfig(folder, undefined).file).toBe(path.join(folder, 'package.json'));
  expect(findConfig(project(), undefined).file).toBeUndefined();
});

test.each(['jest-kubernetes.config.yaml', 'jest-kubernetes.config.d.ts', 'jest-kubernetes.json'])(
  '%s is none',
  (name) => {
    expect(findConfig(project({ [name]: '' }), undefined).file).toBeUndefined();
  },
);

test.each([
  ['workspaces of npm and yarn', { 'package.json': { workspaces: ['packages/*'] } }],
  ['workspaces of pnpm', { 'package.json': {}, 'pnpm-workspace.yaml': 'packages: [packages/*]' }],
  ['a repository', { 'package.json': {}, '.git/HEAD': 'ref: refs/heads/main' }],
])('it is found in the root of %s from a package in it', (_, files) => {
  const folder = configured({}, { ...files, 'packages/api/package.json': {} });
  const { file, workspaceRoot } = findConfig(path.join(folder, 'packages/api'), undefined);
  expect(file).toBe(path.join(folder, 'jest-kubernetes.config.json'));
  expect(workspaceRoot).toBe(folder);
});

test('the nearest one is taken', () => {
  const folder = configured({}, { 'packages/api/jest-kubernetes.config.json': '{}' });
  expect(findConfig(path.join(folder, 'packages/api/src'), undefined).file).toBe(
    path.join(folder, 'packages/api/jest-kubernetes.config.json'),
  );
});

test('above the workspace’s root none is looked for', () => {
  const folder = project();
  writeFileSync(path.join(folder, '../jest-kubernetes.config.json'), '{}');
  expect(findConfig(folder, undefined)).toEqual({ file: undefined, workspaceRoot: folder });
});

test('a package that is in no workspace and no repository is its own root', () => {
  const folder = configured({}, { 'package.json': {} });
  writeFileSync(path.join(folder, '../jest-kubernetes.config.json'), '{}');
  mkdirSync(path.join(folder, 'test/api'), { recursive: true });
  const file = path.join(folder, 'jest-kubernetes.config.json');
  expect(findConfig(path.join(folder, 'test/api'), undefined)).toEqual({ file, workspaceRoot: folder });
});

test('a broken package.json above the user’s project is none of their business', () => {
  const folder = configured({}, { 'package.json': {} });
  writeFileSync(path.join(folder, '../package.json'), '{');
  expect(findConfig(folder, undefined).workspaceRoot).toBe(folder);
});

test('two in one folder are refused, by name', () => {
  const folder = configured({}, { 'package.json': { workspaces: [], 'jest-kubernetes': {} } });
  expect(thrownBy(() => findConfig(folder, undefined))).toMatchObject({
    code: 'CONFIG_INVALID',
    message: `There is more than one configuration in ${folder}`,
    evidence: ['jest-kubernetes.config.json', 'package.json'],
    remedy: 'Keep one of them.',
  });
});

test('JEST_KUBERNETES_CONFIG names another, from Jest’s rootDir or absolute', () => {
  const folder = configured({}, { 'ci/cluster.json': '{}' });
  const file = path.join(folder, 'ci/cluster.json');
  expect(findConfig(folder, 'ci/cluster.json').file).toBe(file);
  expect(findConfig('/', file).file).toBe(file);
});

test.each([
  ['is not there', 'nowhere.ts', 'CONFIG_NOT_FOUND'],
  ['is not a file', 'folder.ts', 'CONFIG_INVALID'],
  ['ends in none of .ts, .mts, .cts, .js, .mjs, .cjs, .json', 'cluster.yaml', 'CONFIG_INVALID'],
])('JEST_KUBERNETES_CONFIG that %s is refused', (what, name, code) => {
  const folder = project({ 'folder.ts/file': '', 'cluster.yaml': '' });
  expect(thrownBy(() => findConfig(folder, name))).toMatchObject({
    code,
    message: `The configuration that JEST_KUBERNETES_CONFIG names ${what}`,
    evidence: [path.join(folder, name)],
  });
});
