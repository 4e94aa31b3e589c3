import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

const root = path.resolve(__dirname, '../..');
const installer = path.join(root, 'test/packed/install.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'jest-kubernetes-examples-'));
const stateDir = path.join(folder, 'state');

/** What the examples make carries the name of the folder that they are copied to, as every workspace's cluster does. */
const nameOf = (example: string): string =>
  `examples-${example}-${path.basename(folder).slice(-6).toLowerCase()}`;

interface Example {
  name: string;
  /** Its packages, each a Jest run of its own, with their tests. */
  tests: Record<string, number>;
  install: (from: string, to: string) => Promise<void>;
}

const examples: Example[] = [
  { name: 'basic', tests: { basic: 3 }, install: installCopy },
  { name: 'postgres', tests: { postgres: 13 }, install: installCopy },
  { name: 'monorepo', tests: { api: 2, operator: 3, worker: 2 }, install: installWorkspace },
];

/** The dependencies are kept for the next time. */
async function installCopy(from: string, to: string): Promise<void> {
  await execa(process.execPath, [installer, from, to]);
}

/** npm lays out a workspace itself: what each package depends on, in the folder that all of them see. */
async function installWorkspace(from: string, to: string): Promise<void> {
  const isInstalled = (file: string): boolean => path.basename(file) === 'node_modules';
  cpSync(from, to, { recursive: true, filter: (file) => !isInstalled(file) });
  const script = `console.log(await (await import(${JSON.stringify(installer)})).pack())`;
  const { stdout: tarball } = await execa(process.execPath, ['--input-type=module', '--eval', script]);
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  await execa('npm', ['install', tarball, '--save-dev', ...quiet], { cwd: to });
}

/** What is left of an example's run on this machine. */
async function remains(
  name: string,
): Promise<{ containers: string[]; clusters: string[]; processes: string[] }> {
  const lines = async (command: string, args: string[]): Promise<string[]> =>
    (await execa(command, args)).stdout.split('\n').filter((line) => line.includes(name));
  const clusters = path.join(stateDir, 'clusters');
  return {
    containers: await lines('docker', ['ps', '--all', '--format', '{{.Names}}']),
    clusters: existsSync(clusters) ? readdirSync(clusters) : [],
    processes: await lines('ps', ['-eo', 'args']),
  };
}

afterAll(async () => {
  for (const { name } of examples) {
    const { stdout } = await execa('docker', ['ps', '--all', '--quiet', '--filter', `name=${nameOf(name)}`]);
    const left = stdout.split('\n').filter((id) => id !== '');
    if (left.length > 0) await execa('docker', ['rm', '--force', '--volumes', ...left]);
  }
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe.each(examples)('examples/$name, with the packed package', ({ name, tests, install }) => {
  const copy = path.join(folder, nameOf(name));

  beforeAll(async () => {
    await install(path.join(root, 'examples', name), copy);
  }, 300_000);

  test('its TypeScript compiles with strict checks', async () => {
    const { exitCode, stdout } = await execa('node_modules/.bin/tsc', ['--noEmit', '--strict'], {
      cwd: copy,
      reject: false,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  }, 120_000);

  test('`npm test` is green on one cluster, made once and gone at the end', async () => {
    const { exitCode, all: output } = await execa('npm', ['test'], {
      cwd: copy,
      env: {
        CI: 'true',
        GITHUB_ACTIONS: '',
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        JEST_KUBERNETES_STATE_DIR: stateDir,
        // the workspace's path names the cluster
        JEST_KUBERNETES_NAME: undefined,
      },
      all: true,
      reject: false,
      stdin: 'ignore',
    });
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });

    const summaries = [...output.matchAll(/Tests: +(?:(\S.*), )?(\d+) passed, (\d+) total$/gm)];
    const passed = summaries.map(([, others, count]) => others ?? Number(count));
    expect(passed.sort()).toEqual(Object.values(tests).sort());

    const runs = Object.keys(tests).length;
    const cluster = `jk-${nameOf(name).slice(0, 24)}`;
    expect(output.match(/creates the cluster \S+/g)).toEqual([expect.stringContaining(cluster)]);
    expect(output.match(/joins the cluster/g) ?? []).toHaveLength(runs - 1);
    expect(output.match(/leaves the cluster/g) ?? []).toHaveLength(runs - 1);
    expect(output.match(/✓ delete cluster \S+/g)).toEqual([expect.stringContaining(cluster)]);
    expect(await remains(nameOf(name))).toEqual({ containers: [], clusters: [], processes: [] });
  }, 360_000);
});
