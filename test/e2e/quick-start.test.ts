import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { copies, type Ended, expectGreen, packageManagers, packed, root } from './support/examples.js';
import { share } from './support/share.js';

/*
 * README's quick start as a stranger types it, in an empty folder: its install line, its files, its command. All of them share
 * one cluster, which the first one makes.
 */

const made = copies('start');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const block = (begins: string): string => {
  const found = blocks.find(({ text }) => text.startsWith(begins));
  if (found === undefined) throw new Error(`README has no block that begins with “${begins}”`);
  return found.text;
};
const installLine = block('npm install --save-dev ');
const files = {
  'jest.config.js': block('// jest.config.js'),
  'pods.test.ts': block('// pods.test.ts'),
};
const command = block('npx jest');

interface Variation {
  title: string;
  name: string;
  /** What the install line and the command become. */
  install?: (line: string) => string;
  run?: string;
  files?: Readonly<Record<string, string>>;
}

const yarn = `node ${path.join(root, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')}`;
const pnpm = `node ${path.join(root, 'node_modules/pnpm/bin/pnpm.mjs')}`;

const always: Variation[] = [
  { title: 'as it stands', name: 'npm' },
  { title: 'TypeScript 6', name: 'ts6', install: (line) => line.replace('typescript', 'typescript@6') },
];

const others: Variation[] = [
  { title: 'TypeScript 7', name: 'ts7', install: (line) => line.replace('typescript', 'typescript@7') },
  { title: 'TypeScript 5', name: 'ts5', install: (line) => line.replace('typescript', 'typescript@5') },
  {
    title: 'pnpm',
    name: 'pnpm',
    install: (line) => line.replace('npm install', `${pnpm} add`),
    run: `${pnpm} exec jest`,
    files: {
      'pnpm-workspace.yaml': `storeDir: ${JSON.stringify(path.join(made.folder, 'pnpm-store'))}\nstrictDepBuilds: false\n`,
    },
  },
  {
    title: 'Yarn',
    name: 'yarn',
    install: (line) => line.replace('npm install --save-dev', `${yarn} add --dev`),
    run: `${yarn} jest`,
    files: { 'yarn.lock': '', '.yarnrc.yml': 'nodeLinker: node-modules\n' },
  },
  {
    title: 'a package of ES modules',
    name: 'esm',
    files: {
      'package.json': '{ "private": true, "type": "module" }',
      'jest.config.js': "export default { preset: 'jest-kubernetes' };\n",
    },
  },
];

const cluster = made.clusterOf('all');
let env: NodeJS.ProcessEnv;
let tarball: string;

beforeAll(async () => {
  tarball = await packed();
  env = {
    ...made.env,
    ...(await packageManagers(made.folder)),
    JEST_KUBERNETES_NAME: cluster,
    JEST_KUBERNETES_KEEP: 'always',
  };
}, 180_000);
afterAll(() => made.remove(), 60_000);

async function typed(line: string, cwd: string): Promise<Ended> {
  const options = { cwd, env, all: true, reject: false, stdin: 'ignore' } as const;
  const { exitCode, all: output } = await execa('bash', ['-c', line], options);
  return { exitCode, output };
}

test.each([...always, ...share(others, 1)])(
  '$title: what README says ends green',
  async ({ name, install = (line) => line, run = command, files: changed = {} }) => {
    const cwd = made.pathOf(name);
    mkdirSync(cwd);
    const all = { 'package.json': '{ "private": true }', ...files, ...changed };
    // package.json is what `npm install` would write
    for (const [file, text] of Object.entries(all)) writeFileSync(path.join(cwd, file), text);
    const line = install(installLine).replace(' jest-kubernetes ', ` jest-kubernetes@file:${tarball} `);
    expect(line).toContain(tarball);
    expectGreen(await typed(line, cwd));
    const ended = await typed(run, cwd);
    expectGreen(ended);
    expect(ended.output).toMatch(/^Tests: +1 passed, 1 total$/m);
    expect(ended.output).toContain(cluster);
  },
  300_000,
);

test('a mistake in the types is told, and so is one in the configuration before the cluster is made', async () => {
  const cwd = made.pathOf('ts6');
  writeFileSync(path.join(cwd, 'pods.test.ts'), `${files['pods.test.ts']}\nconst wrong: number = 'text';\n`);
  const typo = await typed(command, cwd);
  expect(typo).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining("Type 'string' is not assignable to type 'number'") as string,
  });
  writeFileSync(path.join(cwd, 'jest-kubernetes.config.json'), '{ "postgress": true }');
  const refused = await typed(command, cwd);
  expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('postgres') as string });
  expect(refused.output).toContain('CONFIG_INVALID');
  expect(refused.output).not.toContain('the cluster');
}, 120_000);
