import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type Config, loadConfig } from '../../../src/config/index.js';
import { natively, project, shownOf } from './project.js';

const native = natively();

/** Loads a project as its Jest run does, with the package in its node_modules. */
function load(files: Readonly<Record<string, unknown>>): { folder: string; loaded: Promise<Config> } {
  const folder = project(files);
  const installed = path.join(folder, 'node_modules/jest-kubernetes');
  mkdirSync(installed, { recursive: true });
  writeFileSync(
    path.join(installed, 'package.json'),
    JSON.stringify({ exports: { './config': './config.js' } }),
  );
  copyFileSync(path.join(native.folder, 'config/define-config.js'), path.join(installed, 'config.js'));
  return { folder, loaded: native.loadConfig({ rootDir: folder, env: {} }) };
}

/** What a user reads when their file cannot be loaded. */
function shown(name: string, text: string, files: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { folder, loaded } = load({ [name]: text, ...files });
  return shownOf(loaded, folder);
}

const withImport = `import { defineConfig } from 'jest-kubernetes/config';
export default defineConfig({ keep: 'always' });`;
const typed = `import { defineConfig, type UserConfig } from 'jest-kubernetes/config';
const config: UserConfig = { keep: 'always' as const };
export default defineConfig(config);`;
const required = `const { defineConfig } = require('jest-kubernetes/config');
module.exports = defineConfig({ keep: 'always' });`;
const typedOnly = `import type { UserConfig } from 'jest-kubernetes/config';
module.exports = { keep: 'always' } satisfies UserConfig;`;
const compiled = `Object.defineProperty(exports, '__esModule', { value: true });
exports.default = { keep: 'always' };`;
const ofFunction = `export default async () => ({ keep: 'always' });`;
const ofPromise = `export default Promise.resolve({ keep: 'always' });`;

test.each([
  ['ts', 'with defineConfig', typed],
  ['ts', 'as CommonJS with types', typedOnly],
  ['mts', 'with defineConfig', typed],
  ['cts', 'as CommonJS', required],
  ['cts', 'as CommonJS with types', typedOnly],
  ['cts', 'with import and export, as TypeScript itself allows', typed],
  ['js', 'as an ES module', withImport],
  ['js', 'as CommonJS', required],
  ['mjs', 'with defineConfig', withImport],
  ['cjs', 'as CommonJS', required],
  ['cjs', 'as compiled from an ES module', compiled],
  ['mjs', 'with a function', ofFunction],
  ['mjs', 'with a promise', ofPromise],
  ['json', 'as JSON', '{ "keep": "always" }'],
  ['json', 'as JSON with a byte order mark', '\uFEFF{ "keep": "always" }'],
])('a .%s file is read: %s', async (extension, _, text) => {
  const { loaded } = load({ [`jest-kubernetes.config.${extension}`]: text });
  expect(await loaded).toMatchObject({ keep: 'always' });
});

test('the key in package.json is read', async () => {
  const { loaded } = load({ 'package.json': { workspaces: [], 'jest-kubernetes': { keep: 'always' } } });
  expect(await loaded).toMatchObject({ keep: 'always' });
});

test.each(['commonjs', 'module'])(
  'TypeScript with import and export, and what it imports, is read where package.json says type %s',
  async (type) => {
    const { loaded } = load({
      'package.json': { workspaces: [], type },
      'jest-kubernetes.config.ts': `import { keep } from './shared.ts';\n${typed.replace("'always' as const", 'keep')}`,
      'shared.ts': `export const keep: 'always' = 'always';`,
    });
    expect(await loaded).toMatchObject({ keep: 'always' });
  },
);

test('Node.js’ words on how it reads a file are no news for a user, and only they are kept from them', async () => {
  const { nativeRequire } = globalThis as unknown as { nativeRequire: (name: string) => unknown };
  // Jest's sandbox has a copy of it
  const outside = nativeRequire('node:process') as NodeJS.Process;
  const warned: string[] = [];
  const note = (warning: Error): number => warned.push(warning.message);
  const { emitWarning } = outside as { emitWarning: unknown };
  outside.on('warning', note);
  const noisy = `process.emitWarning('the shop is closed');\n${withImport}`;
  await Promise.all([
    load({ 'package.json': {}, 'jest-kubernetes.config.ts': typed }).loaded,
    load({ 'package.json': {}, 'jest-kubernetes.config.js': noisy }).loaded,
    load({ 'package.json': {}, 'jest-kubernetes.config.js': withImport }).loaded,
  ]);
  await new Promise(setImmediate);
  outside.off('warning', note);
  expect(warned).toEqual(['the shop is closed']);
  expect((outside as { emitWarning: unknown }).emitWarning).toBe(emitWarning);
});

describe('a user’s mistake is named with file and line, and no stack', () => {
  test.each(['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'])('a .%s file that throws', async (extension) => {
    const text = `function fail() {\n  throw new TypeError('SHOP_IMAGE is not set\\nsee docs/ci.md');\n}\nfail();`;
    expect(await shown(`jest-kubernetes.config.${extension}`, text)).toBe(
      `The configuration <folder>/jest-kubernetes.config.${extension} cannot be loaded (CONFIG_INVALID)
    <folder>/jest-kubernetes.config.${extension}:2: SHOP_IMAGE is not set
    see docs/ci.md`,
    );
  });

  test.each([
    ['a function', `export default () => {\n  throw new Error('no image');\n};`],
    ['a promise', `export default\n  Promise.reject(new Error('no image'));`],
  ])('%s that fails', async (_, text) => {
    expect(await shown('jest-kubernetes.config.mjs', text)).toMatch(
      /\n {4}<folder>\/jest-kubernetes\.config\.mjs:2: no image$/,
    );
  });

  test('what is thrown is no error', async () => {
    expect(await shown('jest-kubernetes.config.cjs', `throw 'no image';`)).toMatch(/config\.cjs: no image$/);
  });

  test('a file that it imports throws: that one is named', async () => {
    const files = { 'shared.ts': `\nexport const image = (undefined as any).image;` };
    expect(
      await shown('jest-kubernetes.config.ts', `import './shared.ts';\nexport default {};`, files),
    ).toMatch(/\n {4}<folder>\/shared\.ts:2: Cannot read properties of undefined/);
  });

  test.each([
    ['ts', `export default {\n  keep: 'never'\n  images: [],\n};`],
    ['cts', `module.exports = {\n  keep: 'never'\n  images: [],\n};`],
    ['mjs', `export default {\n  keep: 'never'\n  images: [],\n};`],
    ['cjs', `module.exports = {\n  keep: 'never'\n  images: [],\n};`],
    ['json', `{\n  "keep": "never"\n  "images": []\n}`],
    ['json', `{\n  "keep":\n}`],
    ['json', `{\n  "keep": "never",\n  images: []\n}`],
  ])('a syntax error in .%s', async (extension, text) => {
    const lines = (await shown(`jest-kubernetes.config.${extension}`, text)).split('\n');
    expect(lines[1]).toMatch(new RegExp(`^ {4}<folder>/jest-kubernetes\\.config\\.${extension}:3: \\w`));
    expect(lines).toHaveLength(2);
  });

  test('a syntax error in package.json', async () => {
    expect(await shown('package.json', '{\n  "workspaces": [],\n}')).toMatch(
      /^<folder>\/package\.json is not valid JSON \(CONFIG_INVALID\)\n {4}<folder>\/package\.json:3: /,
    );
  });

  test.each([
    ['cjs', `require('shop-images');`, /config\.cjs:1: Cannot find module 'shop-images'$/],
    [
      'mjs',
      `import 'shop-images';`,
      /config\.mjs: Cannot find package 'shop-images' imported from <folder>\/.*$/,
    ],
  ])('a package that is not there, in .%s', async (extension, text, expected) => {
    const message = await shown(`jest-kubernetes.config.${extension}`, text);
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toMatch(expected);
  });

  test.each([
    [
      'ts',
      `import { image } from './shared';\nexport default {};`,
      'an import of another file needs its extension',
    ],
    ['ts', `enum Keep { never }\nexport default {};`, 'write it without enums'],
    ['cjs', `export default {};`, 'write module.exports'],
  ])('what Node.js does not read in .%s has a remedy: %j', async (extension, text, remedy) => {
    const files = { 'shared.ts': 'export const image = 1;' };
    const message = await shown(`jest-kubernetes.config.${extension}`, text, files);
    expect(message).toMatch(/\n {2}→ /);
    expect(message).toContain(remedy);
  });

  test.each([
    ['mjs', `export const config = {};`, 'export default defineConfig({ … })'],
    ['ts', `const config = {};`, 'export default defineConfig({ … })'],
    ['mjs', `export default Promise.resolve();`, 'export default defineConfig({ … })'],
    ['mjs', `export default () => { keep: 'never' };`, 'export default defineConfig({ … })'],
    ['cjs', ``, 'module.exports = { … }'],
  ])('a .%s file that holds nothing: %j', async (extension, text, reminder) => {
    const name = `jest-kubernetes.config.${extension}`;
    expect(await shown(name, text)).toBe(
      `<folder>/${name} holds no configuration (CONFIG_INVALID)\n  → Write ${reminder}`,
    );
  });

  test('a folder in the file’s place', async () => {
    const folder = project({ 'jest-kubernetes.config.json/file': '' });
    // in the sandbox, where what reads it is no package in node_modules
    expect(await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).toMatch(
      /\n {4}<folder>\/jest-kubernetes\.config\.json: EISDIR: /,
    );
  });

  test('an empty JSON file', async () => {
    expect(await shown('jest-kubernetes.config.json', '')).toMatch(/config\.json:1: it is empty$/);
  });
});

test('an empty configuration is one: all defaults', async () => {
  expect(await load({ 'jest-kubernetes.config.cjs': 'module.exports = {};' }).loaded).toMatchObject({
    keep: 'never',
  });
});

test.each([
  [
    'ts',
    "import { defineConfig } from 'jest-kubernetes/config';\nexport default defineConfig({ keep: 'always' });",
  ],
  [
    'mjs',
    "import { defineConfig } from 'jest-kubernetes/config';\nexport default defineConfig({ keep: 'always' });",
  ],
  [
    'cjs',
    "const { defineConfig } = require('jest-kubernetes/config');\nmodule.exports = defineConfig({ keep: 'always' });",
  ],
])('defineConfig is found where the package itself cannot be, in .%s', async (extension, text) => {
  const folder = project({ [`jest-kubernetes.config.${extension}`]: text });
  expect(await native.loadConfig({ rootDir: folder, env: {} })).toMatchObject({ keep: 'always' });
});
