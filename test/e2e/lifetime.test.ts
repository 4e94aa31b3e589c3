import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

import { execa } from 'execa';

import { type Installation, installation, nothing, until } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

const count = (text: string, what: string): number => text.split(what).length - 1;
const nothingIsLeft = async (): Promise<void> => {
  const empty = async (): Promise<boolean> => Object.values(await installed.remains()).flat().length === 0;
  await until('nothing is left', empty, 60_000).catch(() => undefined);
  expect(await installed.remains()).toEqual(nothing);
};

test('a watch has one cluster for all its re-runs, which goes when the watch ends', async () => {
  const project = installed.project('watch', {
    'a.test.js':
      "test('sees the cluster', () => { console.log('RUN ' + process.env.JEST_KUBERNETES_RUN_ID); });",
    'jest-kubernetes.config.json': JSON.stringify({ images: [] }),
  });
  // a terminal of its own: without one, a watch takes no keys
  const command = `'${process.execPath}' '${path.join(installed.folder, 'node_modules/jest/bin/jest.js')}' --watchAll`;
  const watch = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: project.folder,
    env: {
      ...process.env,
      ...{ CI: undefined, GITHUB_ACTIONS: undefined, TERM: 'xterm' },
      JEST_KUBERNETES_STATE_DIR: installed.stateDir,
      JEST_KUBERNETES_NAME: project.cluster,
      JEST_KUBERNETES_SNAPSHOT: 'off', // one is made behind whoever sits at a terminal
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  watch.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  let isOver = false;
  watch.on('close', () => (isOver = true));
  const ran = (times: number): Promise<void> =>
    until(
      `the tests ran ${times} times`,
      () => count(output, 'Ran all test suites') >= times,
      120_000,
      () => output,
    );
  try {
    await ran(1);
    watch.stdin.write('a');
    await ran(2);
    writeFileSync(
      path.join(project.folder, 'a.test.js'),
      "test('fails', () => { throw new Error('in between'); });",
    );
    await ran(3); // Jest sees the change itself
    const write = (name: string, content: unknown): void => {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      writeFileSync(path.join(project.folder, name), text);
    };
    // what a cluster that runs can take over is there for the next re-run, and what it cannot is said
    write('added.yaml', {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'added', namespace: 'default' } },
    });
    write('hook.cjs', "module.exports = () => ({ env: { OF_WATCH: 'returned' } });");
    write('jest-kubernetes.config.json', {
      ...{ images: [], manifests: ['*.yaml'], cluster: { nodes: 2 }, setup: 'hook.cjs' },
    });
    write(
      'a.test.js',
      `test('sees what was added', async () => {
         const { client } = require('jest-kubernetes');
         const { CoreV1Api } = require('@kubernetes/client-node');
         const { metadata } = await client(CoreV1Api).readNamespacedConfigMap({ name: 'added', namespace: 'default' });
         console.log('FOUND ' + metadata.name + ' ' + process.env.OF_WATCH);
       });`,
    );
    // Jest may have begun a re-run between two of these files, and hears of no other while it lasts
    let ended = 3;
    const found = (): boolean => {
      if (output.includes('FOUND added returned')) return true;
      if (count(output, 'Ran all test suites') > ended) watch.stdin.write('a');
      ended = Math.max(ended, count(output, 'Ran all test suites'));
      return false;
    };
    await until('a re-run sees it', found, 120_000, () => output);
    expect((await installed.remains()).containers).toHaveLength(1);
    // a key that comes while tests run interrupts them, and does nothing else
    const over = async (): Promise<boolean> => {
      watch.stdin.write('q');
      await pause(1000);
      return isOver;
    };
    await until('the watch ends', over, 60_000, () => output);
  } finally {
    watch.kill();
  }
  // a terminal's lines are as wide as it is
  const words = stripVTControlCharacters(output).replaceAll(/\s+/g, ' ');
  expect({ words, times: count(words, 'creates the cluster') }).toMatchObject({ times: 1 });
  expect(words).toContain('stays as it was made, until this watch is started anew: cluster.nodes');
  const runs = [...output.matchAll(/RUN (\w+)/g)].map((match) => match[1]);
  expect(runs).toHaveLength(2);
  expect(new Set(runs).size).toBe(1);
  await nothingIsLeft();
}, 240_000);

test('a deletion that fails says what is left, fails no green run, and is made good by the next', async () => {
  const project = installed.project('undeletable', {
    'a.test.js': "test('passes', () => undefined);",
    'jest-kubernetes.config.json': JSON.stringify({ images: [] }),
  });
  const { stdout: engine } = await execa('sh', ['-c', 'command -v docker']);
  const docker = path.join(project.folder, 'bin/docker');
  const busy = path.join(project.folder, 'busy');
  mkdirSync(path.dirname(docker));
  writeFileSync(busy, '');
  writeFileSync(
    docker,
    `#!/bin/sh\n[ "$1" = rm ] && [ -e ${busy} ] && { echo "device or resource busy" >&2; exit 1; }\nexec ${engine} "$@"\n`,
    { mode: 0o755 },
  );
  const node = `${project.cluster}-control-plane`;
  const { status, output } = await project.run([], {
    PATH: `${project.folder}/bin:${process.env['PATH'] ?? ''}`,
  });
  expect(status).toBe(0);
  expect(output).toContain(`left: ${node}`);
  expect(output).toContain('device or resource busy');
  expect(output).toMatch(new RegExp(`Delete it by hand: .*docker rm -f -v ${node}`));
  expect((await project.cli(['status'])).output).toContain('could not be deleted');

  const stillBusy = await project.cli(['prune']);
  expect(stillBusy.status).toBe(1);
  expect(stillBusy.output).toMatch(/^The cluster \S+ could not be deleted \(CLUSTER_DELETE_FAILED\)\n/m);
  rmSync(busy);
  expect(await project.cli(['prune'])).toMatchObject({
    status: 0,
    output: expect.stringContaining(`Deleted: ${project.cluster}`) as string,
  });
  await nothingIsLeft();
}, 240_000);

test('keep on-failure: a failed test in any project keeps the cluster, also over a restart of the engine; the next green run deletes it', async () => {
  const configMap = (name: string): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
  const seesBoth = `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
test('sees what every project has asked for', async () => {
  const { items } = await client(k8s.CoreV1Api).listNamespacedConfigMap({ namespace: 'default' });
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(expect.arrayContaining(['of-api', 'of-worker']));
});
`;
  const project = installed.project('projects', {
    'jest.config.js': "module.exports = { projects: ['<rootDir>/api', '<rootDir>/worker'] };",
    ...Object.fromEntries(
      ['api', 'worker'].flatMap((name) => [
        [`${name}/jest.config.js`, "module.exports = { preset: 'jest-kubernetes' };"],
        [
          `${name}/jest-kubernetes.config.json`,
          JSON.stringify({ images: [], manifests: ['*.yaml'], keep: 'on-failure' }),
        ],
        [`${name}/of-${name}.yaml`, configMap(`of-${name}`)],
        [`${name}/both.test.ts`, seesBoth],
      ]),
    ),
  });
  const flaky = path.join(project.folder, 'worker/flaky.test.ts');
  writeFileSync(flaky, "test('fails', () => { throw new Error('it fails'); });");

  const red = await project.run();
  expect(red).toMatchObject({ status: 1, output: expect.stringContaining('1 failed, 2 passed') as string });
  expect(count(red.output, 'creates the cluster')).toBe(1);
  expect(red.output).not.toContain('delete cluster');
  expect(count(red.output, 'export KUBECONFIG=')).toBe(1);
  expect(red.output).toContain(`npx jest-kubernetes down ${project.cluster}`);
  const status = await project.cli(['status']);
  expect(status.output).toContain(`${project.cluster}  ready, kept (on-failure)`);
  const kubeconfig = /export KUBECONFIG=(\S+)/.exec(red.output)?.[1] ?? '';
  expect(readFileSync(kubeconfig, 'utf8')).toContain(`kind-${project.cluster}`);

  // as the engine's own end leaves it
  await execa('docker', ['stop', `${project.cluster}-control-plane`]);
  writeFileSync(flaky, "test('passes', () => undefined);");
  const green = await project.run(['--shard=1/1']);
  expect(green).toMatchObject({ status: 0, output: expect.stringContaining('3 passed') as string });
  expect(green.output).toContain(`starting the cluster ${project.cluster} again`);
  expect(green.output).toContain('joins the cluster');
  expect(count(green.output, 'delete cluster')).toBe(1);
  expect(await installed.remains()).toEqual(nothing);
}, 300_000);
