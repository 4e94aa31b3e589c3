import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import {
  copies,
  copyExample,
  type Ended,
  expectGreen,
  expectOneCluster,
  nothing,
  packageManagers,
  packed,
  root,
} from './support/examples.js';
import { JestProcess, until } from './support/project.js';
import { share } from './support/share.js';

/** examples/monorepo as other workspace tools lay it out: each package sees what it lists itself. */
interface Tool {
  title: string;
  /** Names its copy of the example, in few letters. */
  name: string;
  /** Its own script, in this repository's node_modules. */
  script: string;
  /** What makes the folder a workspace of this tool. */
  files: Record<string, string>;
  install: string[];
  test: string[];
  typecheck: string[];
}

const made = copies('spaces');

const yarn = {
  script: '@yarnpkg/cli-dist/bin/yarn.js',
  install: ['install'],
  // as many at a time as there are packages, which is not Yarn's default; each line with its package's name
  test: 'workspaces foreach --all --parallel --jobs unlimited --verbose run test'.split(' '),
  typecheck: ['run', 'tsc'],
};

const plugAndPlay: Tool = {
  ...yarn,
  title: 'Yarn with Plug’n’Play',
  name: 'pnp',
  files: { '.yarnrc.yml': 'nodeLinker: pnp\n', 'yarn.lock': '' },
};

const others: Tool[] = [
  {
    title: 'pnpm',
    name: 'pnpm',
    script: 'pnpm/bin/pnpm.mjs',
    files: {
      'pnpm-workspace.yaml': [
        'packages: [packages/*]',
        `storeDir: ${JSON.stringify(path.join(made.folder, 'pnpm-store'))}`,
        // no dependency's build script is needed: none is run, and that is no failure
        'strictDepBuilds: false\n',
      ].join('\n'),
    },
    install: ['install'],
    test: ['--recursive', '--parallel', 'test'],
    typecheck: ['exec', 'tsc'],
  },
  {
    ...yarn,
    title: 'Yarn with node_modules',
    name: 'yarn',
    files: { '.yarnrc.yml': 'nodeLinker: node-modules\n', 'yarn.lock': '' },
  },
];

const tests = { api: 2, operator: 3, worker: 2 };

interface Manifest {
  workspaces?: string[];
  scripts: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function edit(file: string, change: (manifest: Manifest) => Manifest): Manifest {
  const changed = change(JSON.parse(readFileSync(file, 'utf8')) as Manifest);
  writeFileSync(file, `${JSON.stringify(changed, undefined, 2)}\n`);
  return changed;
}

/** The example, with every package's own devDependencies; npm's are those of the workspace, which all of them see. */
function layOut({ name, files }: Tool, tarball: string): void {
  const folder = made.pathOf(name);
  copyExample('monorepo', folder);
  for (const [file, content] of Object.entries(files)) writeFileSync(path.join(folder, file), content);
  const { devDependencies } = edit(path.join(folder, 'package.json'), (manifest) => ({
    ...manifest,
    // its test command is npm's
    scripts: {},
    devDependencies: { ...manifest.devDependencies, 'jest-kubernetes': `file:${tarball}` },
  }));
  for (const each of readdirSync(path.join(folder, 'packages'))) {
    edit(path.join(folder, 'packages', each, 'package.json'), (manifest) => ({
      ...manifest,
      devDependencies: { ...manifest.devDependencies, ...devDependencies },
    }));
  }
}

let env: NodeJS.ProcessEnv;
const scriptOf = ({ script }: Tool): string => path.join(root, 'node_modules', script);

async function run(tool: Tool, args: string[]): Promise<Ended> {
  const options = { cwd: made.pathOf(tool.name), env, all: true, reject: false, stdin: 'ignore' } as const;
  const { exitCode, all: output } = await execa(process.execPath, [scriptOf(tool), ...args], options);
  return { exitCode, output };
}

beforeAll(async () => {
  env = { ...made.env, ...(await packageManagers(made.folder)) };
}, 60_000);
afterAll(() => made.remove(), 60_000);

describe.each([plugAndPlay, ...share(others, 0)])('examples/monorepo as a workspace of $title', (tool) => {
  beforeAll(async () => {
    layOut(tool, await packed());
    expectGreen(await run(tool, tool.install));
  }, 300_000);

  test('its TypeScript compiles', async () => {
    expect(await run(tool, tool.typecheck)).toMatchObject({ exitCode: 0, output: '' });
  }, 120_000);

  test('its packages are green on one cluster, made once and gone at the end', async () => {
    expectOneCluster(await run(tool, tool.test), { cluster: made.clusterOf(tool.name), tests });
    expect(await made.remains(tool.name)).toEqual(nothing);
  }, 360_000);
});

// its packages are in archives, which the watchdog's own Node.js has to read too
test('under Plug’n’Play a run that is killed leaves nothing behind', async () => {
  const tool = plugAndPlay;
  const folder = path.join(made.pathOf(tool.name), 'packages/operator');
  const jest = new JestProcess(folder, [scriptOf(tool), 'run', 'test'], { ...process.env, ...env });
  await jest.prints('creates the cluster');
  const remains = () => made.remains(tool.name);
  await until('the container is there', async () => (await remains()).containers.length > 0);
  jest.signalGroup('SIGKILL');
  await jest.ended;
  const isOver = async (): Promise<boolean> => Object.values(await remains()).flat().length === 0;
  await until('nothing is left', isOver).catch(() => undefined);
  expect(await remains()).toEqual(nothing);
}, 180_000);
