import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import { snapshots } from './project.js';

export const root = path.resolve(__dirname, '../../..');
export const installer = path.join(root, 'test/packed/install.mjs');

/** Copies of the examples outside the repository; what one makes carries its folder's name, as every cluster does. */
export interface Copies {
  readonly folder: string;
  /** With the runs' state in the copies' own folder, and without what would name the cluster otherwise. */
  readonly env: NodeJS.ProcessEnv;
  /** Where a copy lives. */
  pathOf(copy: string): string;
  /** What its cluster's name starts with. */
  clusterOf(copy: string): string;
  /** What is left of its runs on this machine. */
  remains(copy: string): Promise<{ containers: string[]; clusters: string[]; processes: string[] }>;
  /** Removes them, and what failed tests have left. */
  remove(): Promise<void>;
}

export const nothing = { containers: [], clusters: [], processes: [] };

/** @param group - names the copies of one test file, in few letters */
export function copies(group: string): Copies {
  const folder = mkdtempSync(path.join(tmpdir(), `jest-kubernetes-${group}-`));
  const stateDir = path.join(folder, 'state');
  const suffix = path.basename(folder).slice(-6).toLowerCase();
  const nameOf = (copy: string): string => `${group}-${copy}-${suffix}`;
  const lines = async (command: string, args: string[]): Promise<string[]> =>
    (await execa(command, args)).stdout.split('\n').filter((line) => line !== '');
  return {
    folder,
    env: {
      CI: 'true',
      GITHUB_ACTIONS: '',
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      JEST_KUBERNETES_STATE_DIR: stateDir,
      // the workspace's path names the cluster
      JEST_KUBERNETES_NAME: undefined,
      JEST_KUBERNETES_SNAPSHOT: snapshots,
    },
    pathOf: (copy) => path.join(folder, nameOf(copy)),
    clusterOf: (copy) => `jk-${nameOf(copy).slice(0, 24)}`,
    remains: async (copy) => {
      const clusters = path.join(stateDir, 'clusters');
      const named = (all: string[]): string[] => all.filter((each) => each.includes(nameOf(copy)));
      return {
        containers: named(await lines('docker', ['ps', '--all', '--format', '{{.Names}}'])),
        clusters: existsSync(clusters) ? readdirSync(clusters) : [],
        processes: named(await lines('ps', ['-eo', 'args'])),
      };
    },
    remove: async () => {
      const made = ['--filter', `name=jk-${group}-.*-${suffix}`];
      const left = await lines('docker', ['ps', '--all', '--quiet', ...made]);
      if (left.length > 0) await execa('docker', ['rm', '--force', '--volumes', ...left]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An example's own files. */
export function copyExample(name: string, to: string): void {
  const isInstalled = (file: string): boolean => path.basename(file) === 'node_modules';
  const from = path.join(root, 'examples', name);
  cpSync(from, to, { recursive: true, filter: (file) => !isInstalled(file) });
}

/** The packed package's path. */
export async function packed(): Promise<string> {
  const script = `console.log(await (await import(${JSON.stringify(installer)})).pack())`;
  return (await execa(process.execPath, ['--input-type=module', '--eval', script])).stdout;
}

/**
 * What npm, pnpm and Yarn are told by their environment: the registry that npm uses is the one that the others use.
 * @param folder - where Yarn keeps what it has downloaded
 */
export async function packageManagers(folder: string): Promise<NodeJS.ProcessEnv> {
  const configured = async (key: string): Promise<string> =>
    (await execa('npm', ['config', 'get', key])).stdout.trim();
  const url = await configured('registry');
  const certificates = await configured('cafile');
  const own = /^(?:null|undefined)?$/.test(certificates) ? {} : { YARN_HTTPS_CA_FILE_PATH: certificates };
  return {
    ...{ pnpm_config_registry: url, YARN_NPM_REGISTRY_SERVER: url, ...own },
    npm_config_prefer_offline: 'true',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    YARN_GLOBAL_FOLDER: path.join(folder, 'yarn'),
  };
}

/** How a command ended. */
export interface Ended {
  exitCode?: number | undefined;
  output?: string | undefined;
}

/** It has ended well; a failure shows all that it printed, but each line once: what fails, fails in every file. */
export function expectGreen({ exitCode, output = '' }: Ended): void {
  const printed = [...new Set(output.split('\n').map((line) => line.trim()))];
  expect({ exitCode, printed: exitCode === 0 ? [] : printed }).toEqual({ exitCode: 0, printed: [] });
}

/**
 * Each package's tests have passed, and its run has taken part in one cluster, which was made once and deleted once.
 *
 * @param tests - how many each package has; several packages' lines start with their names
 */
export function expectOneCluster(
  { exitCode, output = '' }: Ended,
  { cluster, tests }: { cluster: string; tests: Readonly<Record<string, number>> },
): void {
  expectGreen({ exitCode, output });
  const [first] = Object.keys(tests);
  const summaries = output.matchAll(/^(?:\W*(?:\w+\/)?(\w+)\b.*?)?Tests: +(\S.*)$/gm);
  const ended = [...summaries].map(([, name = first, counts]) => `${name ?? ''}: ${counts ?? ''}`);
  const passed = Object.entries(tests).map(([name, count]) => `${name}: ${count} passed, ${count} total`);
  expect(ended.sort()).toEqual(passed.sort());

  expect(output.match(/creates the cluster \S+/g)).toEqual([expect.stringContaining(cluster)]);
  expect(output.match(/joins the cluster/g) ?? []).toHaveLength(passed.length - 1);
  expect(output.match(/leaves the cluster/g) ?? []).toHaveLength(passed.length - 1);
  expect(output.match(/✓ delete cluster \S+/g)).toEqual([expect.stringContaining(cluster)]);
}
