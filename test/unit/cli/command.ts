import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import ts from 'typescript';

import { sha256 } from '../../../src/support/sha256.js';

const root = path.resolve(__dirname, '../../..');
const made: string[] = [];

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/**
 * The command as Node.js itself runs it, compiled beside node_modules, which it needs: once for all test files, as long as
 * nothing changes.
 * @returns its file
 */
function compiled(): string {
  const sources = globSync('**/*.ts', { cwd: path.join(root, 'src') }).sort();
  const stamps = ['package.json', ...sources.map((name) => `src/${name}`)].map(
    (name) => `${name} ${statSync(path.join(root, name)).mtimeMs}`,
  );
  const cache = path.join(root, 'node_modules/.cache');
  const whole = path.join(cache, `cli-${sha256(Buffer.from(stamps.join('\n'))).slice(0, 16)}`);
  const command = path.join(whole, 'dist/cli/index.js');
  if (existsSync(command)) return command;
  mkdirSync(cache, { recursive: true });
  const older = readdirSync(cache).filter((name) => /^cli-[0-9a-f]{16}$/.test(name));
  for (const name of older) rmSync(path.join(cache, name), { recursive: true, force: true });
  const folder = mkdtempSync(path.join(cache, 'cli-making-'));
  made.push(folder);
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  const compilerOptions = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2024 };
  for (const name of sources) {
    const fileName = path.join(root, 'src', name);
    const source = readFileSync(fileName, 'utf8');
    const file = path.join(folder, 'dist', name.replace(/ts$/, 'js'));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, ts.transpileModule(source, { fileName, compilerOptions }).outputText);
  }
  try {
    renameSync(folder, whole);
  } catch {
    // another test file came first
  }
  return command;
}

let file: string | undefined;
export const commandFile = (): string => (file ??= compiled());

export interface Ended {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

/** A folder with a project in it and a state directory beside it, in which the command is run. */
export class Place {
  readonly parent: string;
  readonly folder: string;
  readonly stateDir: string;

  /** @param name - of the parent, in which both are */
  constructor(files: Readonly<Record<string, unknown>> = {}, name = 'here') {
    const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'cli-')));
    made.push(temporary);
    this.parent = path.join(temporary, name);
    this.folder = path.join(this.parent, 'shop');
    this.stateDir = path.join(this.parent, 'state');
    mkdirSync(path.join(this.stateDir, 'clusters'), { recursive: true });
    writeFileSync(path.join(this.stateDir, 'jest-kubernetes.json'), JSON.stringify({ id: 'aa' }));
    // the search for a configuration ends here
    this.write({ '.git': '', ...files });
  }

  write(files: Readonly<Record<string, unknown>>): void {
    for (const [name, content] of Object.entries(files)) {
      const target = path.join(this.folder, name);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content));
    }
  }

  /** A cluster that the state directory knows, ready and used by nobody, but for what is said. */
  cluster(name: string, changes: Readonly<Record<string, unknown>> = {}): void {
    const folder = path.join(this.stateDir, 'clusters', name);
    mkdirSync(folder, { recursive: true });
    const kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, '{}');
    const state = {
      ...{ version: 1, name, id: 'aa', phase: 'ready', by: null, ledger: {}, leases: {} },
      made: { 'cluster.nodes': [{}], 'cluster.config': null },
      removal: { provider: 'kind', name, runtime: null },
      access: { name, kubeconfig, context: `kind-${name}` },
      ...{ keep: 'never', failed: false, kept: null, problem: null },
    };
    writeFileSync(path.join(folder, 'state.json'), JSON.stringify({ ...state, ...changes }));
  }

  /** Runs the command to its end. */
  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [commandFile(), ...args], {
      cwd: this.folder,
      env: {
        ...withoutOwn(process.env),
        ...{ JEST_KUBERNETES_STATE_DIR: this.stateDir, NO_COLOR: '1' },
        // whatever this machine's engine has is none of a unit test's business
        DOCKER_HOST: 'unix:///nowhere/docker.sock',
        ...env,
      },
      extendEnv: false,
      reject: false,
    });
    return { status: exitCode, stdout, stderr };
  }
}

/** Which node image a developer tests with is none of a unit test's business either. */
function withoutOwn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('JEST_KUBERNETES')));
}
