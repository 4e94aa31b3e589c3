import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

import * as door from '../../../src/index.js';
import * as api from '../../../src/testing/index.js';

const root = path.resolve(__dirname, '../../..');

test('what is loaded with a word’s first call has every name that there is, and the types of it', () => {
  const typed: Omit<typeof api, 'JestKubernetesError'> = door;
  expect(Object.keys(typed).sort()).toEqual(Object.keys(api).sort());
  for (const [name, value] of Object.entries(api))
    if (typeof value === 'function')
      expect((door[name as keyof typeof door] as { name: string }).name).toBe(name);
});

test('a word is the one of its own file', () => {
  expect(() => door.as('')).toThrow(expect.objectContaining({ code: 'NO_CLUSTER' }) as Error);
});

test('an import loads no word, and nothing that only words need', () => {
  // compiled, as it is published, file by file
  const script = `
const { Module } = require('node:module');
const ts = require('typescript');
const fs = require('node:fs');
const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 };
require.extensions['.ts'] = (module, file) =>
  module._compile(ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => resolve(/^\\.\\.?\\/.*\\.js$/.test(name) ? name.replace(/js$/, 'ts') : name, ...rest);
const before = new Set(Object.keys(require.cache));
const { waitFor, apply, client } = require('./src/index.ts');
console.log(JSON.stringify(Object.keys(require.cache).filter((file) => !before.has(file))));`;
  const output = execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  const loaded = (JSON.parse(output) as string[]).map((file) => path.relative(root, file)).sort();
  expect(loaded).toEqual([
    'src/index.ts',
    'src/kubernetes/objects.ts',
    'src/kubernetes/waiting/readiness.ts',
    'src/kubernetes/waiting/verdict.ts',
    'src/support/errors.ts',
    'src/support/mask.ts',
    'src/support/native.ts',
    'src/support/pages.ts',
    'src/testing/conditions.ts',
    'src/testing/json-path.ts',
  ]);
});

test('an ES module takes its names from the text', () => {
  const { outputText } = ts.transpileModule(readFileSync(path.join(root, 'src/index.ts'), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 },
  });
  for (const name of Object.keys(api))
    expect(outputText).toMatch(
      new RegExp(
        `exports\\.${name} = |defineProperty\\(exports, "${name}", \\{ enumerable: true, get: function`,
      ),
    );
});
