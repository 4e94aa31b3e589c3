import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

import ts from 'typescript';
import { parse } from 'yaml';

import { parseManifest } from '../../../src/kubernetes/index.js';

const root = path.resolve(__dirname, '../../..');
const pages = [
  'README.md',
  'docs/architecture.md',
  'docs/errors.md',
  'docs/performance.md',
  'docs/side-by-side.md',
  'examples/basic/README.md',
  'examples/postgres/README.md',
  'examples/services/README.md',
  'examples/monorepo/README.md',
  'examples/operator/README.md',
];

interface Block {
  /** Page and line, so that a failure can be found. */
  at: string;
  language: string;
  code: string;
}

const blocks: Block[] = pages.flatMap((page) => {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    at: `${page}:${text.slice(0, match.index).split('\n').length}`,
    language: match[1] ?? '',
    code: match[2] ?? '',
  }));
});
const written = (language: string): [string, string][] =>
  blocks.filter((block) => block.language === language).map(({ at, code }) => [at, code]);

/** What a user's compiler says of a block, by the packages' own types. */
function complaints(code: string): string[] {
  const file = path.join(root, 'test/unit/docs/block.ts');
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node', 'jest'] },
    ...{ target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    paths: {
      'jest-kubernetes': [path.join(root, 'src/testing/index.ts')],
      'jest-kubernetes/config': [path.join(root, 'src/config/define-config.ts')],
    },
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.readFile = (name) => (name === file ? code : onDisk.readFile(name));
  host.fileExists = (name) => name === file || onDisk.fileExists(name);
  host.getSourceFile = (name, version, ...rest) =>
    name === file ? ts.createSourceFile(name, code, version) : onDisk.getSourceFile(name, version, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('each language that the pages use is looked at', () => {
  expect(new Set(blocks.map(({ language }) => language))).toEqual(
    new Set(['ts', 'js', 'sh', 'yaml', 'text', 'mermaid']),
  );
});

test.each(written('ts'))(
  '%s compiles',
  (_, code) => {
    expect(complaints(code)).toEqual([]);
  },
  60_000,
);

test('a block that does not fit the package is found', () => {
  expect(
    complaints("import { defineConfig } from 'jest-kubernetes/config';\ndefineConfig({ clusters: {} });"),
  ).toEqual([expect.stringContaining("'clusters' does not exist")]);
}, 60_000);

test.each(written('js'))('%s is JavaScript, and what it asks for is there', (_, code) => {
  expect(() => new Script(code)).not.toThrow();
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    exports: object;
  };
  const asked = [...code.matchAll(/(?:require\(|preset: )'jest-kubernetes(\/[\w-]+)?'/g)].map(
    (match) => match[1] ?? '/jest-preset',
  );
  expect(asked.length).toBeGreaterThan(0);
  for (const entry of asked) expect(Object.keys(exports)).toContain(`.${entry}`);
});

test.each(written('sh'))('%s names scripts and commands that exist', (at, code) => {
  const page = path.join(root, path.dirname(at));
  const { scripts = {} } = JSON.parse(readFileSync(path.join(page, 'package.json'), 'utf8')) as {
    scripts?: Record<string, string>;
  };
  const cli = readFileSync(path.join(root, 'src/cli/program.ts'), 'utf8');
  for (const [, script = ''] of code.matchAll(/npm (?:run )?(?!ci|install|run)([\w:-]+)/g)) {
    expect(Object.keys(scripts)).toContain(script);
  }
  for (const [, command = ''] of code.matchAll(/npx jest-kubernetes (\w+)/g)) {
    expect(cli).toContain(`.command('${command}')`);
  }
});

const isWorkflow = ([, code]: readonly [string, string]): boolean => code.includes('jobs:');

const isOfAnotherTool = ([at]: readonly [string, string]): boolean => at.startsWith('docs/side-by-side.md');

test.each(written('yaml').filter((each) => !isWorkflow(each) && !isOfAnotherTool(each)))(
  '%s is an object for a cluster',
  (at, code) => {
    // that its rights are enough, test/e2e/existing.test.ts shows
    const kinds = parseManifest(code, at).map(({ object }) => object.kind);
    expect([['ClusterRole'], ['Service']]).toContainEqual(kinds);
  },
);

test('what is written side by side is in ours not longer', () => {
  const tables = readFileSync(path.join(root, 'docs/side-by-side.md'), 'utf8').match(
    /<table>[^]*?<\/table>/g,
  );
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

test.each(written('yaml').filter(isWorkflow))('%s is a workflow whose steps say what they do', (_, code) => {
  const { jobs } = parse(code) as { jobs: Record<string, { steps: { uses?: string; run?: string }[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  expect(steps.every(({ uses, run }) => (uses ?? run) !== undefined)).toBe(true);
  expect(steps.map(({ run }) => run)).toContain('npm test');
});

test.each(pages)('the links of %s lead somewhere', (page) => {
  const text = readFileSync(path.join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
  for (const link of links)
    expect({ link, there: existsSync(path.join(root, path.dirname(page), link)) }).toEqual({
      link,
      there: true,
    });
});
