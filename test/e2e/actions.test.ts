import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';
import { parse } from 'yaml';

import { type Installation, installation, nothing } from './support/project.js';

/*
 * What the action's steps run, in their order, as GitHub's runner runs it: each in bash, with the runner's variables. What
 * GitHub's own actions do in between (the cache, the artifact) is done by hand.
 */

const root = path.resolve(__dirname, '../..');

interface Step {
  name: string;
  id?: string;
  if?: string;
  uses?: string;
  run?: string;
  'working-directory'?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}
interface Action {
  inputs: Record<string, { default: string }>;
  runs: { steps: Step[] };
}
const action = parse(readFileSync(path.join(root, 'action.yml'), 'utf8')) as Action;
const stepOf = (name: string): Step => {
  const step = action.runs.steps.find((each) => each.name === name);
  if (step === undefined) throw new Error(`the action has no step “${name}”`);
  return step;
};

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** A job: what its steps have put out, and its environment, grow from step to step. */
function job(cwd: string, inputs: Record<string, string>) {
  const temp = path.join(cwd, 'runner');
  mkdirSync(temp, { recursive: true });
  const files = { GITHUB_OUTPUT: path.join(temp, 'output'), GITHUB_ENV: path.join(temp, 'env') };
  const values: Record<string, string> = { 'runner.temp': temp };
  const all = {
    ...Object.fromEntries(Object.entries(action.inputs).map(([name, of]) => [name, of.default])),
    ...inputs,
  };
  for (const [name, value] of Object.entries(all)) values[`inputs.${name}`] = value;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...{ CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: cwd, RUNNER_TEMP: temp },
    ...{ RUNNER_OS: 'Linux', RUNNER_ARCH: 'X64', NO_COLOR: '1', FORCE_COLOR: undefined },
    JEST_KUBERNETES_STATE_DIR: installed.stateDir,
    JEST_KUBERNETES_SNAPSHOT: 'off',
    ...files,
  };
  const filledIn = (text: string): string =>
    text.replaceAll(/\$\{\{ *([\w.-]+) *\}\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`nothing has put out ${name}`);
      return value;
    });
  const pairs = (file: string): [string, string][] =>
    readFileSync(file, { encoding: 'utf8', flag: 'a+' })
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return {
    values,
    env,
    run: async (name: string) => {
      const step = stepOf(name);
      for (const file of Object.values(files)) writeFileSync(file, '');
      const own = Object.entries(step.env ?? {}).map(([key, value]): [string, string] => [
        key,
        filledIn(value),
      ]);
      // as the runner calls a step's shell
      const shell = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run ?? ''];
      const folder = path.join(cwd, filledIn(step['working-directory'] ?? '.'));
      const { exitCode, all: output } = await execa('bash', shell, {
        cwd: folder,
        env: { ...env, ...Object.fromEntries(own) },
        extendEnv: false,
        all: true,
        reject: false,
      });
      for (const [key, value] of pairs(files.GITHUB_OUTPUT))
        values[`steps.${step.id ?? ''}.outputs.${key}`] = value;
      for (const [key, value] of pairs(files.GITHUB_ENV)) env[key] = value;
      return { exitCode, output };
    },
    output: (name: string): string | undefined => values[`steps.${name}`],
  };
}

const filesOf = {
  'package.json': '{ "private": true }',
  'a.test.js': "test('has a cluster', () => { expect(process.env.KUBECONFIG).toMatch(/kubeconfig$/); });",
  'jest-kubernetes.config.json': '{ "images": ["postgres:17-alpine", "busybox"] }',
};

test('the first job saves the images that it needed, and the next one runs from them alone', async () => {
  const project = installed.project('actions', filesOf);
  const node = process.env['JEST_KUBERNETES_NODE_IMAGE'];
  const inputs = { run: 'npx --no-install jest' };

  const first = job(project.folder, inputs);
  first.env['JEST_KUBERNETES_NAME'] = project.cluster;
  expect(await first.run('Which images the tests need')).toMatchObject({ exitCode: 0 });
  const images = first.output('images.outputs.images')?.split(' ') ?? [];
  expect(images.map((image) => image.replace(/@sha256:[0-9a-f]{64}$/, '@digest'))).toEqual(
    expect.arrayContaining(['postgres:17-alpine@digest', 'busybox@digest']),
  );
  if (node !== undefined)
    expect(images.map((image) => image.replace(/@.*/, ''))).toContain(node.replace(/@.*/, ''));
  expect(first.output('images.outputs.key')).toMatch(/^jest-kubernetes-images-Linux-X64-[0-9a-f]{32}$/);
  const green = await first.run('Run the tests');
  expect(green).toMatchObject({ exitCode: 0, output: expect.stringContaining('1 passed') as string });
  expect(await first.run('Save the images')).toMatchObject({ exitCode: 0 });
  expect(first.output('save.outputs.saved')).toBe('true');

  const second = job(project.folder, inputs);
  second.env['JEST_KUBERNETES_NAME'] = project.cluster;
  await second.run('Which images the tests need');
  expect(second.output('images.outputs.key')).toBe(first.output('images.outputs.key'));
  const tags = images.map((image) => image.replace(/@.*/, ''));
  await execa('docker', ['rmi', '--force', ...tags]);
  expect(await second.run('Load the images')).toMatchObject({ exitCode: 0 });
  expect(second.env['JEST_KUBERNETES_NODE_IMAGE']).toBe(tags.find((tag) => /\/node:/.test(tag)));
  // nothing comes from a registry
  const again = await second.run('Run the tests');
  expect(again.output).toMatch(/pull busybox +[\d.]+ s +already here/);
  expect(again).toMatchObject({ exitCode: 0, output: expect.stringContaining('1 passed') as string });
  expect(await installed.remains()).toEqual(nothing);
}, 400_000);

test('a red run fails its step, and what it has seen lies where the action takes it from', async () => {
  const project = installed.project('red', {
    ...filesOf,
    'jest-kubernetes.config.json': '{ "images": [], "manifests": ["none.yaml"] }',
  });
  const only = job(project.folder, { run: 'npx --no-install jest', cache: 'false' });
  only.env['JEST_KUBERNETES_NAME'] = project.cluster;
  const { exitCode, output } = await only.run('Run the tests');
  expect(exitCode).toBe(1);
  expect(output).toMatch(/^::error .*title=jest-kubernetes::/m);
  expect(stepOf('Keep what was seen').with?.['path']).toBe(
    '${{ inputs.working-directory }}/**/.jest-kubernetes/**',
  );
  expect(await installed.remains()).toEqual(nothing);
}, 120_000);

test('each action that it uses is named by its commit, and the example names none that is not there', () => {
  const workflow = parse(
    readFileSync(path.join(root, 'examples/github-actions/.github/workflows/test.yml'), 'utf8'),
  ) as { jobs: { test: { steps: Step[] } } };
  const { steps } = workflow.jobs.test;
  const used = [...action.runs.steps, ...steps].flatMap(({ uses }) => (uses === undefined ? [] : [uses]));
  const own = 'jest-kubernetes/jest-kubernetes@v1';
  expect(used.filter((each) => each !== own && !/@[0-9a-f]{40}$/.test(each))).toEqual([]);
  const given = steps.find(({ uses }) => uses === own)?.with ?? {};
  expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
});
