import { existsSync, globSync } from 'node:fs';
import path from 'node:path';

import Ajv from 'ajv';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';

import { parseManifest } from '../../../src/kubernetes/index.js';
import { errorPage } from '../../../src/support/pages.js';
import { blocks, pages, prose, read, root, written } from './pages.js';

const manifest = JSON.parse(read('package.json')) as { exports: object; scripts: Record<string, string> };

/** The declarations of the reference's page are src's own, which `npm run typecheck` looks at. */
const isDeclaration = ({ page, code }: (typeof blocks)[number]): boolean =>
  page === 'docs/reference/api.md' && code.startsWith('export ');
const isExample = ({ page }: (typeof blocks)[number]): boolean => page === 'docs/reference/api.md';

const words = [...read('src/index.ts').matchAll(/^export const (\w+)/gm)].map(([, name = '']) => name);
const conditions =
  'available, bound, complete, condition, count, deleted, exists, hasEndpoints, jsonPath, ready';

/** An example of a comment is a test's lines, and imports nothing. */
const asTest = (code: string): string => `
import { ${words.join(', ')}, ${conditions} } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
declare const url: string;
export const lines = async () => {
${code}
};`;

const misfit = "import { defineConfig } from 'jest-kubernetes/config';\ndefineConfig({ clusters: {} });";
const sources = new Map([
  ...written('ts')
    .filter(([, , block]) => !isDeclaration(block))
    .map(([at, code, block]): [string, string] => [at, isExample(block) ? asTest(code) : code]),
  ['misfit', misfit],
]);

const fileOf = (at: string): string => path.join(root, `test/unit/docs/${at.replace(/[^\w]/g, '-')}.ts`);

/** What a user's compiler says of each block, by the packages' own types: one program for all of them. */
function complaints(): (at: string) => string[] {
  const files = new Map([...sources].map(([at, code]) => [fileOf(at), code]));
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node', 'jest'] },
    ...{ target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    paths: {
      'jest-kubernetes': [path.join(root, 'src/testing/index.ts')],
      'jest-kubernetes/config': [path.join(root, 'src/config/define-config.ts')],
    },
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.readFile = (name) => files.get(name) ?? onDisk.readFile(name);
  host.fileExists = (name) => files.has(name) || onDisk.fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = files.get(name);
    return code === undefined
      ? onDisk.getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return (at) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(fileOf(at)))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('each language that the pages use is looked at', () => {
  expect(new Set(blocks.map(({ language }) => language))).toEqual(
    // the last three are for the eye
    new Set(['ts', 'js', 'json', 'yaml', 'sh', 'text', 'mermaid', 'groovy']),
  );
});

describe('TypeScript', () => {
  let complaintsOf: ReturnType<typeof complaints>;
  beforeAll(() => {
    complaintsOf = complaints();
  }, 120_000);

  test.each([...sources.keys()].filter((at) => at !== 'misfit'))(
    '%s compiles',
    (at) => {
      expect(complaintsOf(at)).toEqual([]);
    },
    60_000,
  );

  test('a block that does not fit the package is found', () => {
    expect(complaintsOf('misfit')).toEqual([expect.stringContaining("'clusters' does not exist")]);
  }, 60_000);
});

test.each(written('js'))('%s is JavaScript, and what it asks for is there', (_, code) => {
  const { diagnostics = [] } = ts.transpileModule(code, {
    fileName: 'block.js',
    reportDiagnostics: true,
    compilerOptions: { allowJs: true, target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
  });
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual(
    [],
  );
  const asked = [...code.matchAll(/(require\(|preset: |from )?'jest-kubernetes(\/[\w-]+)?'/g)].map(
    ([, how, entry]) => entry ?? (how === 'preset: ' ? '/jest-preset' : ''),
  );
  for (const entry of asked) expect(Object.keys(manifest.exports)).toContain(`.${entry}`);
});

const jsonSchema = JSON.parse(read('schema.json')) as object;

test.each(written('json'))('%s is JSON, and as a configuration it is valid', (_, code) => {
  const value = JSON.parse(code) as { $schema?: string };
  if (value.$schema === undefined) return;
  expect(value.$schema).toBe('./node_modules/jest-kubernetes/schema.json');
  const ajv = new Ajv();
  expect([ajv.validate(jsonSchema, value), ajv.errors]).toEqual([true, null]);
});

test('there is a configuration in JSON', () => {
  expect(written('json').some(([, code]) => code.includes('$schema'))).toBe(true);
});

const commands = globSync('src/cli/*.ts', { cwd: root }).map(read).join('\n');

/** The scripts of the nearest package.json; a page of the guide speaks of its reader's. */
function scriptsFor(page: string): string[] {
  let folder = path.dirname(page);
  while (!existsSync(path.join(root, folder, 'package.json'))) folder = path.dirname(folder);
  const { scripts = {} } = JSON.parse(read(path.join(folder, 'package.json'))) as {
    scripts?: Record<string, string>;
  };
  return Object.keys(scripts);
}

test.each(pages)('the scripts and commands that %s names exist', (page) => {
  const text = read(page);
  for (const [, command = ''] of text.matchAll(/npx jest-kubernetes (\w+)/g)) {
    expect(commands).toContain(`.command('${command}')`);
  }
  // what a reader's own project has is not known
  const own = page.startsWith('docs/guide/') ? prose(page) : text;
  for (const [, script = ''] of own.matchAll(/npm run ([\w:-]+)/g)) {
    expect([...scriptsFor(page), 'migrate']).toContain(script);
  }
});

const printed = written('text').filter(([, code]) => /\([A-Z]+_[A-Z_]+\)\n/.test(code) && code.includes('→'));

test.each(printed)('%s ends as an error does', (_, code) => {
  const [, name = ''] = /\(([A-Z]+_[A-Z_]+)\)\n/.exec(code) ?? [];
  expect(code).toContain(`  ${errorPage(name)}\n`);
});

const yaml = written('yaml');
const isOfAnotherTool = ([at]: readonly [string, ...unknown[]]): boolean =>
  at.startsWith('docs/side-by-side.md');

test.each(yaml)('%s is YAML', (_, code) => {
  expect(parseAllDocuments(code).flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
});

test.each(yaml.filter((each) => /^apiVersion:/m.test(each[1]) && !isOfAnotherTool(each)))(
  '%s is an object for a cluster',
  (at, code) => {
    // that its rights are enough, test/e2e/existing.test.ts shows
    const kinds = parseManifest(code, at).map(({ object }) => object.kind);
    expect([['ClusterRole'], ['Service']]).toContainEqual(kinds);
  },
);

test('what is written side by side is in ours not longer', () => {
  const tables = read('docs/side-by-side.md').match(/<table>[^]*?<\/table>/g);
  const lengths = (tables ?? []).map((table) => {
    // cells are theirs and ours in turn; empty lines are no work
    const cells = [...table.matchAll(/<td>([^]*?)<\/td>/g)].map(([, cell = '']) =>
      [...cell.matchAll(/^```\w+\n([^]*?)^```$/gm)].flatMap(([, code = '']) =>
        code.split('\n').filter(Boolean),
      ),
    );
    const lines = (side: number): number => cells.filter((_, index) => index % 2 === side).flat().length;
    return { theirs: lines(0), ours: lines(1) };
  });
  expect(lengths).toHaveLength(2);
  for (const { theirs, ours } of lengths) expect(ours).toBeLessThanOrEqual(theirs);
});

test.each(yaml.filter(([, code]) => code.includes('jobs:')))(
  '%s is a workflow whose steps say what they do',
  (_, code) => {
    const { jobs } = parse(code) as { jobs: Record<string, { steps: { uses?: string; run?: string }[] }> };
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    expect(steps.every(({ uses, run }) => (uses ?? run) !== undefined)).toBe(true);
    expect(steps.map(({ run }) => run)).toContain('npm test');
  },
);
