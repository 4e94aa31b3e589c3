import { existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import { nodeImageHere } from '../node-image.js';
import { type Installation, installation, nothing, type Project, snapshots } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** A test file that says what it saw: the variables, and that a pod runs. */
const seeing = (name: string): string => `
import { statSync, writeFileSync } from 'node:fs';
import { client, kubeConfig, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';

test('${name} has the cluster', async () => {
  const { KUBECONFIG = '', JEST_KUBERNETES_CLUSTER, JEST_KUBERNETES_CONTEXT, JEST_KUBERNETES_RUN_ID, JEST_WORKER_ID } = process.env;
  const core = client(k8s.CoreV1Api);
  const nodes = await core.listNode();
  expect(nodes.items).toHaveLength(1);
  expect(kubeConfig().getContexts()).toHaveLength(1);
  const own = await namespace();
  const { metadata } = await core.createNamespacedPod({
    namespace: own,
    body: {
      metadata: { name: 'inside' },
      spec: { restartPolicy: 'Never', containers: [{ name: 'it', image: 'postgres:17-alpine', imagePullPolicy: 'Never', command: ['true'] }] },
    },
  });
  for (let phase; phase !== 'Succeeded'; ) {
    const { status } = await core.readNamespacedPod({ name: 'inside', namespace: own });
    phase = status?.phase;
    if (phase === 'Failed' || status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull') throw new Error('the image is not inside');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(metadata?.labels ?? {}).toStrictEqual({});
  writeFileSync('${name}.json', JSON.stringify({
    kubeconfig: KUBECONFIG, mode: (statSync(KUBECONFIG).mode & 0o777).toString(8), cluster: JEST_KUBERNETES_CLUSTER,
    context: JEST_KUBERNETES_CONTEXT, run: JEST_KUBERNETES_RUN_ID, worker: JEST_WORKER_ID, namespace: own, uid: nodes.items[0]?.metadata?.uid,
    version: nodes.items[0]?.status?.nodeInfo?.kubeletVersion,
  }));
});
`;

interface Seen {
  kubeconfig: string;
  mode: string;
  cluster: string;
  context: string;
  run: string;
  worker: string;
  namespace: string;
  uid: string;
  version: string;
}

/** With `quiet`, Jest's own words are all that a green run shows, and a red one tells its cause. */
async function tellsLittle(project: Project): Promise<void> {
  const quiet = { JEST_KUBERNETES_QUIET: '1' };
  const green = await project.run(['--runInBand'], quiet);
  expect(green).toMatchObject({ status: 0, output: expect.stringContaining('4 passed') as string });
  expect(green.output.trimStart()).toMatch(/^PASS /);
  expect(green.output.trimEnd()).toMatch(/Ran all test suites\.$/);
  const image = '127.0.0.1:1/none:1';
  const red = await project.run([], { ...quiet, JEST_KUBERNETES_IMAGES: image });
  expect(red.status).toBe(1);
  expect(red.output.trimStart()).toMatch(/^✗ pull 127\.0\.0\.1:1\/none:1 /);
  expect(red.output).toMatch(/REGISTRY_UNREACHABLE[^]*everything that was seen: /);
  expect(red.output).not.toContain('joins the cluster');
}

/** What the command shows of a cluster that is up, and does with it. */
async function seesItByCommand(project: Project): Promise<void> {
  const status = await project.cli(['status', '--json']);
  expect(JSON.parse(status.output)).toMatchObject([
    { name: project.cluster, context: `kind-${project.cluster}`, nodes: 1, kept: 'always', users: [] },
  ]);
  const nodes = await project.cli(['kubectl', '--', 'get', 'nodes', '--output', 'name']);
  // in a cluster from a snapshot it has the name that it was made with
  const node = `${snapshots === 'on' ? String.raw`jk-snapshot-\w+` : project.cluster}-control-plane`;
  const output = expect.stringMatching(new RegExp(`^node/${node}\n$`)) as string;
  expect(nodes).toEqual({ signal: null, status: 0, output });
  const env = await project.cli(['env']);
  const script = 'eval "$1"; kubectl config current-context';
  const { stdout: context } = await execa('sh', ['-c', script, 'sh', env.output]);
  expect(context).toBe(`kind-${project.cluster}`);
  const logs = await project.cli(['logs']);
  expect(logs).toMatchObject({ status: 0 });
  const bundle = logs.output.trim().split('\n').at(-1) ?? '';
  expect(readFileSync(path.join(bundle, 'nodes.txt'), 'utf8')).toMatch(new RegExp(node));
  expect(existsSync(path.join(bundle, 'kind'))).toBe(true);
  const doctor = await project.cli(['doctor']);
  expect(doctor).toMatchObject({
    status: 0,
    output: expect.stringContaining('A run can work here.') as string,
  });
}

/** Projects that `init` begins, by what stands in them before. */
const firsts = {
  'first-in-typescript': { 'package.json': '{ "devDependencies": { "typescript": "*" } }' },
  'first-in-javascript': { 'package.json': '{}' },
  'first-as-module': { 'package.json': '{ "type": "module" }' },
};

/** What `init` writes passes, in the way that it says. */
async function runsFirst(
  cluster: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const first = installed.project(name, files);
  rmSync(path.join(first.folder, 'jest.config.js'));
  const { status, output } = await first.cli(['init']);
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).not.toContain('Install');
  const [, flags] = /NODE_OPTIONS=(\S+)/.exec(output) ?? [];
  const ran = await first.run([], {
    ...{ JEST_KUBERNETES_NAME: cluster, JEST_KUBERNETES_KEEP: 'always' },
    ...(flags === undefined ? {} : { NODE_OPTIONS: flags }),
  });
  expect(ran).toMatchObject({ status: 0, output: expect.stringContaining('2 passed') as string });
  expect(ran.output).toContain('joins the cluster');
}

test('one cluster for all workers, in band or not, with the image inside, and nothing left behind', async () => {
  const names = ['one', 'two', 'three', 'four'];
  const project = installed.project('preset', {
    ...Object.fromEntries(names.map((name) => [`${name}.test.ts`, seeing(name)])),
    'jest-kubernetes.config.json': JSON.stringify({ keep: 'always' }),
  });
  const home = path.join(homedir(), '.kube', 'config');
  const before = existsSync(home) ? readFileSync(home, 'utf8') : undefined;

  const parallel = await project.run(['-w', '4']);
  expect(parallel).toMatchObject({ status: 0, output: expect.stringContaining('4 passed') as string });
  expect(parallel.output).toMatch(/creates the cluster .* \(once/);
  const imported = snapshots === 'on' ? /there already/ : /\d+ MB/;
  expect(parallel.output).toMatch(new RegExp(`✓ import postgres:17-alpine +[\\d.]+ s {2}${imported.source}`));
  expect(parallel.output).toMatch(/keeps the cluster[\s\S]*export KUBECONFIG=/);
  const seen = names.map(
    (name) => JSON.parse(readFileSync(path.join(project.folder, `${name}.json`), 'utf8')) as Seen,
  );
  const distinct = (key: keyof Seen): number => new Set(seen.map((each) => each[key])).size;
  expect(seen[0]).toMatchObject({
    mode: '600',
    cluster: project.cluster,
    context: `kind-${project.cluster}`,
  });
  const [, wanted] = /:(v[\d.]+)/.exec(nodeImageHere ?? '') ?? [];
  if (wanted !== undefined) expect(seen[0]?.version).toBe(wanted);
  expect([distinct('uid'), distinct('kubeconfig'), distinct('run')]).toEqual([1, 1, 1]);
  expect([distinct('namespace'), distinct('worker')]).toEqual([4, 4]);

  // the kept cluster is joined by the next run, and stays until somebody takes it down
  const inBand = await project.run(['--runInBand'], { JEST_KUBERNETES_KEEP: 'never' });
  expect(inBand).toMatchObject({ status: 0, output: expect.stringContaining('joins the cluster') as string });
  expect(inBand.output).not.toContain('creates the cluster');

  await tellsLittle(project);
  await seesItByCommand(project);
  for (const [name, files] of Object.entries(firsts)) await runsFirst(project.cluster, name, files);

  const down = await project.cli(['down']);
  expect(down).toMatchObject({ status: 0 });
  expect(await installed.remains()).toEqual(nothing);
  expect(existsSync(home) ? readFileSync(home, 'utf8') : undefined).toBe(before);
}, 360_000);

test('a setup that fails half way leaves nothing, and Jest exits with 1 and a word why', async () => {
  const project = installed.project('half', {
    'a.test.ts': "test('never runs', () => { throw new Error('a test has run'); });",
    // port 1 of the loopback: nobody listens there
    'jest-kubernetes.config.json': JSON.stringify({ images: ['127.0.0.1:1/nothing:1'] }),
  });
  const { status, output } = await project.run();
  expect(status).toBe(1);
  expect(output).toMatch(/127\.0\.0\.1:1 cannot be reached \(REGISTRY_UNREACHABLE\)/);
  expect(output).not.toContain('a test has run');
  expect(output).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)$/m);
  expect(await installed.remains()).toEqual(nothing);
}, 120_000);

test('a mistake in the configuration is told before anything is made', async () => {
  const project = installed.project('mistake', {
    'a.test.ts': "test('never runs', () => undefined);",
    'jest-kubernetes.config.ts':
      "import { defineConfig } from 'jest-kubernetes/config';\nexport default defineConfig({ clusters: {}, keep: 'sometimes' } as never);\n",
  });
  const { status, output } = await project.run();
  expect(status).toBe(1);
  expect(output).toContain('did you mean cluster?');
  expect(output).toContain(`keep: it is "sometimes", but allowed is 'never', 'on-failure' or 'always'`);
  expect(output).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)$/m);
}, 60_000);

test('with JEST_KUBERNETES=off the tests run without a cluster', async () => {
  const project = installed.project('off', {
    'a.test.ts':
      "test('no cluster', () => { expect(process.env['JEST_KUBERNETES_CLUSTER']).toBeUndefined(); });",
  });
  const { status, output } = await project.run([], { JEST_KUBERNETES: 'off' });
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).not.toContain('cluster jk');
}, 60_000);
