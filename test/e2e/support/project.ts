import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { execa } from 'execa';

/** Whether clusters start from snapshots; where not, none is made either: what is left on the machine is counted. */
export const snapshots = process.env['TEST_SNAPSHOT'] ?? 'off';

const root = path.resolve(__dirname, '../../..');

/** A folder outside the repository with the packed package installed, as a user has it; projects live below it. */
export interface Installation {
  readonly folder: string;
  readonly stateDir: string;
  /** A project of its own: files by relative path, with a jest.config.js unless it brings one. */
  project(name: string, files: Readonly<Record<string, string>>): Project;
  /** What is left of all that was run here. */
  remains(): Promise<{ containers: string[]; volumes: string[]; clusters: string[]; processes: string[] }>;
  /** Removes it, and what failed tests have left. */
  remove(): Promise<void>;
}

export async function installation(): Promise<Installation> {
  const folder = mkdtempSync(path.join(tmpdir(), 'jest-kubernetes-e2e-'));
  await execa(process.execPath, [
    path.join(root, 'test/packed/install.mjs'),
    path.join(root, 'test/e2e/fixtures/project'),
    folder,
  ]);
  const stateDir = path.join(folder, 'state');
  // the containers, and names, of this installation alone
  const prefix = `e2e-${path.basename(folder).slice(-6).toLowerCase()}`;
  const volumesBefore = new Set(await volumes());
  return {
    folder,
    stateDir,
    project: (name, files) => new Project(path.join(folder, name), stateDir, `${prefix}-${name}`, files),
    remains: async () => ({
      containers: (await lines('docker', ['ps', '-a', '--format', '{{.Names}}'])).filter((each) =>
        each.startsWith(prefix),
      ),
      volumes: (await volumes()).filter((each) => !volumesBefore.has(each)),
      clusters: existsSync(path.join(stateDir, 'clusters'))
        ? readdirSync(path.join(stateDir, 'clusters'))
        : [],
      processes: (await lines('ps', ['-eo', 'args'])).filter(
        (each) => each.includes(prefix) || each.includes(stateDir),
      ),
    }),
    remove: async () => {
      const left = await lines('docker', ['ps', '-aq', '--filter', `name=${prefix}`]);
      if (left.length > 0) await execa('docker', ['rm', '-f', '-v', ...left]);
      const built = await lines('docker', ['images', '--quiet', `${path.basename(folder).toLowerCase()}*`]);
      if (built.length > 0) await execa('docker', ['rmi', '--force', ...built]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const nothing = { containers: [], volumes: [], clusters: [], processes: [] };

/** Those that no container uses: what another user of this engine makes meanwhile is in use. */
const volumes = (): Promise<string[]> =>
  lines('docker', ['volume', 'ls', '--quiet', '--filter', 'dangling=true']);

async function lines(command: string, args: readonly string[]): Promise<string[]> {
  return (await execa(command, args)).stdout.split('\n').filter((line) => line !== '');
}

export class Project {
  constructor(
    readonly folder: string,
    private readonly stateDir: string,
    readonly cluster: string,
    files: Readonly<Record<string, string>>,
  ) {
    const all = { 'jest.config.js': "module.exports = { preset: 'jest-kubernetes' };\n", ...files };
    for (const [name, content] of Object.entries(all)) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  /** Starts a real `jest`. */
  start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): JestProcess {
    return this.startNode('jest/bin/jest.js', args, env);
  }

  /** Runs the package's own command to its end. */
  cli(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ status: number | null; output: string }> {
    return this.startCli(args, env).ended;
  }

  /** Starts the package's own command. */
  startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): JestProcess {
    return this.startNode('jest-kubernetes/dist/cli/index.js', args, env);
  }

  private startNode(script: string, args: readonly string[], env: NodeJS.ProcessEnv): JestProcess {
    return new JestProcess(this.folder, [installedFile(this.folder, script), ...args], {
      ...process.env,
      CI: 'true',
      GITHUB_ACTIONS: '',
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      JEST_KUBERNETES_STATE_DIR: this.stateDir,
      JEST_KUBERNETES_NAME: this.cluster,
      JEST_KUBERNETES_SNAPSHOT: snapshots,
      ...env,
    });
  }

  /** Runs `jest` to its end. */
  run(
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ status: number | null; output: string }> {
    return this.start(args, env).ended;
  }
}

/** A command of a project, with its output and its end. */
export class JestProcess {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null; output: string }>;

  constructor(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    // a process group of its own: what is sent to the group reaches the workers too, as Ctrl-C does
    this.child = spawn(process.execPath, [...args], {
      cwd,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.ended = new Promise((resolve) => {
      this.child.on('close', (status, signal) => {
        resolve({ status, signal, output: this.output });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until it has printed something. */
  async prints(what: string | RegExp, limit?: number): Promise<void> {
    const printed = (): boolean =>
      typeof what === 'string' ? this.output.includes(what) : what.test(this.output);
    await until(`jest prints ${String(what)}`, printed, limit, () => this.output);
  }

  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }
}

function installedFile(cwd: string, file: string): string {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', file);
    if (existsSync(found)) return found;
    if (folder === path.dirname(folder)) throw new Error(`no ${file} above ${cwd}`);
  }
}

/** Waits until something is so. @throws when it is not within the limit, with what was seen */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limit = 150_000,
  seen: () => string = () => '',
): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`it did not happen within ${limit / 1000} s that ${what}\n${seen()}`);
    await pause(100);
  }
}
