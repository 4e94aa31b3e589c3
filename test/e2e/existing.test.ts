import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { execa } from 'execa';
import { parse, stringify } from 'yaml';

import { faultyRegistry } from '../integration/registry/index.js';
import { nodeImageHere } from '../node-image.js';
import { type Installation, installation, until } from './support/project.js';

/** A cluster that somebody else made, with kind alone, and that must still be there in the end. */
const foreign = `e2e-foreign-${process.pid}`;
let installed: Installation;
let kubeconfig: string;
beforeAll(async () => {
  installed = await installation();
  kubeconfig = path.join(installed.folder, 'foreign.kubeconfig');
  const kind = await execa('node', [path.join(__dirname, 'support/kind-path.mjs'), installed.folder]);
  await execa(kind.stdout.trim(), [
    ...['create', 'cluster', '--name', foreign, '--kubeconfig', kubeconfig],
    ...(nodeImageHere === undefined ? [] : ['--image', nodeImageHere]),
  ]);
}, 300_000);
afterAll(async () => {
  await execa('docker', ['rm', '-f', '-v', `${foreign}-control-plane`]);
  await installed.remove();
}, 60_000);

const manifest = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: set-up-once, namespace: shop }
data: { colour: blue }
`;

const reading = `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
import { Client } from 'pg';

test('what was set up is there from start to end', async () => {
  const core = client(k8s.CoreV1Api);
  const db = new Client();
  await db.connect();
  const { rows } = await db.query("INSERT INTO orders (id) VALUES (2); SELECT id FROM orders ORDER BY id").then((all) => (all as never)[1]);
  expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  await db.end();
  for (let end = Date.now() + Number(process.env.SECONDS) * 1000, first = true; first || Date.now() < end; first = false) {
    const { data } = await core.readNamespacedConfigMap({ name: 'set-up-once', namespace: 'shop' });
    expect(data).toStrictEqual({ colour: 'blue' });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});
`;

const kubectl = (...args: string[]): Promise<string> =>
  execa(
    'docker',
    ['exec', `${foreign}-control-plane`, 'kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', ...args],
    {
      reject: false,
    },
  ).then(({ stdout, stderr }) => stdout + stderr);

/** A checkout of the same project at the same path, as CI's machines have it: the state directory is the machine. */
function onMachine(
  name: string,
  seconds: number,
): { run: ReturnType<ReturnType<Installation['project']>['start']> } {
  const project = installed.project('shard', {
    'a.test.ts': reading,
    'k8s/shop.yaml': manifest,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig, context: `kind-${foreign}` },
      manifests: ['k8s'],
      images: [],
      postgres: { migrate: 'node migrate.cjs' },
    }),
    'migrate.cjs': `
require('node:fs').appendFileSync('../migrations', process.env.MACHINE + '\\n');
const { Client } = require('pg');
const db = new Client();
db.connect().then(() => db.query('CREATE TABLE orders (id integer PRIMARY KEY); INSERT INTO orders VALUES (1)')).then(() => db.end());
`,
  });
  // a state directory of its own makes it another machine
  const state = path.join(installed.folder, `state-${name}`);
  mkdirSync(state);
  const env = {
    JEST_KUBERNETES_STATE_DIR: state,
    JEST_KUBERNETES_NAME: 'shared',
    MACHINE: name,
    SECONDS: String(seconds),
  };
  return { run: project.start([], env) };
}

test('two machines share an existing cluster: set up and migrated once, gone with the last, and the cluster stays', async () => {
  const first = onMachine('machine-one', 4);
  await first.run.prints('ready in');
  const second = onMachine('machine-two', 10);
  expect(await first.run.ended).toMatchObject({ status: 0 });
  expect(first.run.output).toContain('sets up shared in the existing cluster');
  expect(first.run.output).toMatch(/leaves the cluster shared to/);
  expect(await kubectl('get', 'configmap', '-n', 'shop', 'set-up-once', '-o', 'name')).toContain(
    'set-up-once',
  );
  expect(await second.run.ended).toMatchObject({ status: 0 });
  expect(second.run.output).toContain('joins the cluster');
  expect(second.run.output).toMatch(/apply manifests.*there already/);
  expect(readFileSync(path.join(installed.folder, 'migrations'), 'utf8')).toBe('machine-one\n');
  expect(await kubectl('get', 'namespaces', '-o', 'name')).not.toMatch(/shop|jest-kubernetes/);
  expect(await kubectl('get', 'leases', '-n', 'default', '-o', 'name')).not.toContain('jest-kubernetes');
  expect(await kubectl('get', 'nodes', '-o', 'name')).toContain(`${foreign}-control-plane`);
}, 300_000);

test('a killed run is cleaned up after, too', async () => {
  const { run } = onMachine('killed', 60);
  await run.prints('ready in');
  // the runs before have left the image in the node
  expect(run.output).toMatch(/import postgres:17-alpine.*there already/);
  run.signalGroup('SIGKILL');
  await run.ended;
  await until('the namespace is gone', async () =>
    (await kubectl('get', 'namespace', 'shop')).includes('NotFound'),
  );
  await until(
    'the leases are gone',
    async () => !(await kubectl('get', 'leases', '-n', 'default', '-o', 'name')).includes('jest-kubernetes'),
  );
  await until(
    'PostgreSQL is gone',
    async () => !(await kubectl('get', 'namespaces', '-o', 'name')).includes('jest-kubernetes'),
  );
}, 300_000);

/** What a team has in the cluster: a namespace, a kind of its own, and an object of it elsewhere. */
const theTeams = `
apiVersion: v1
kind: Namespace
metadata: { name: team-shop }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.shop.test }
spec:
  group: shop.test
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
`;
const theirWidgets = `
apiVersion: shop.test/v1
kind: Widget
metadata: { name: precious, namespace: default }
spec: { worth: 7 }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: precious, namespace: team-shop }
data: { worth: "7" }
`;

test('ten shards of one suite, half of them killed: what was there before is there after, byte for byte, and nothing else', async () => {
  const manifests = path.join(installed.folder, 'theirs.yaml');
  const apply = async (text: string): Promise<void> => {
    writeFileSync(manifests, text);
    await execa('docker', ['cp', manifests, `${foreign}-control-plane:/theirs.yaml`]);
    await kubectl('apply', '-f', '/theirs.yaml');
  };
  await apply(theTeams);
  await kubectl('wait', '--for=condition=Established', 'crd/widgets.shop.test');
  await apply(theirWidgets);
  // what a controller puts into every namespace, a moment after it is made
  await until('the namespace is complete', async () =>
    (await kubectl('get', 'configmaps', '-n', 'team-shop', '-o', 'name')).includes('kube-root-ca.crt'),
  );
  const dump = async (): Promise<string> =>
    (
      await Promise.all(
        [
          ['get', 'namespaces', 'team-shop'],
          ['get', 'customresourcedefinitions', 'widgets.shop.test'],
          ['get', 'widgets,configmaps', '--all-namespaces', '--selector', '!jest-kubernetes/owner'],
        ].map((args) => kubectl(...args, '-o', 'yaml', '--show-managed-fields')),
      )
    ).join('---\n');
  const names = (): Promise<string> =>
    kubectl('get', 'namespaces,leases,customresourcedefinitions,widgets,configmaps', '-A', '-o', 'name');
  const [was, had] = [await dump(), await names()];
  expect(was).toContain('worth: 7');

  const project = installed.project('shards', {
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, number) => [
        `${number}.test.ts`,
        `
import { apply, client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
const inTheirs = (name: string, data: Record<string, string>) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'team-shop' }, data }) as const;
test('works beside what others have', async () => {
  const core = client(k8s.CoreV1Api);
  await core.createNamespacedConfigMap({ namespace: await namespace(), body: { metadata: { name: 'mine' } } });
  await apply(inTheirs('of-all-shards', { colour: 'red' }));
  await apply(inTheirs('precious', { worth: '7' }));
  await expect(apply(inTheirs('precious', { worth: '7', more: '1' }))).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
  process.stderr.write('in the test\\n');
  for (let end = Date.now() + 15_000; Date.now() < end; ) {
    const { data } = await core.readNamespacedConfigMap({ name: 'new', namespace: 'team-shop' });
    expect(data).toStrictEqual({ colour: 'blue' });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}, 60_000);`,
      ]),
    ),
    'k8s/shop.yaml': `${theTeams}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: new, namespace: team-shop }
data: { colour: blue }
---
apiVersion: shop.test/v1
kind: Widget
metadata: { name: new, namespace: team-shop }
`,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig, name: 'shards', context: `kind-${foreign}` },
      manifests: ['k8s'],
      images: [],
    }),
  });
  const shards = Array.from({ length: 10 }, (_, number) =>
    project.start([`--shard=${number + 1}/10`], {
      JEST_KUBERNETES_STATE_DIR: path.join(installed.folder, `state-shard-${number}`),
      JEST_KUBERNETES_NAME: 'shards',
    }),
  );
  await Promise.all(
    shards.map(async (shard, number) => {
      if (number % 2 === 1) return;
      await shard.prints('in the test');
      shard.signalGroup('SIGKILL');
    }),
  );
  const ends = await Promise.all(shards.map(({ ended }) => ended));
  for (const [number, { status, output }] of ends.entries())
    if (number % 2 === 1) expect({ status, output }).toMatchObject({ status: 0 });
  await until('nothing of ours is left', async () => (await names()) === had, 120_000);
  expect(await dump()).toBe(was);
}, 400_000);

/** Two machines with the same project, whose one test does as it says. */
function twoMachines(name: string, body: string) {
  const project = installed.project(name, {
    'a.test.ts': `
import { execSync } from 'node:child_process';
test('works', async () => {
  process.stderr.write('in the test\\n');
  ${body}
}, 120_000);`,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig, name, context: `kind-${foreign}` },
      images: [],
    }),
  });
  return (machine: string, seconds: number) =>
    project.start(['--runInBand'], {
      JEST_KUBERNETES_STATE_DIR: path.join(installed.folder, `state-${name}-${machine}`),
      JEST_KUBERNETES_NAME: name,
      SECONDS: String(seconds),
    });
}
/** Longer than a lease lives that is not renewed. */
const long = 40;

test('a run that is busy for longer than its lease lives stays; one that slept finds out that it was taken for dead', async () => {
  const busy = async (): Promise<void> => {
    const start = twoMachines('busy', 'execSync(`sleep ${process.env.SECONDS}`);');
    const first = start('one', long + 10);
    await first.prints('in the test');
    await pause(long * 1000);
    const second = await start('two', 0).ended;
    expect(second).toMatchObject({ status: 0 });
    expect(second.output).toContain('joins the cluster busy, which it shares with');
    expect(second.output).not.toContain('remove busy');
    const { status, output } = await first.ended;
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(output).toContain('✓ remove busy from the cluster');
  };
  const asleep = async (): Promise<void> => {
    const start = twoMachines(
      'asleep',
      'await new Promise((resolve) => setTimeout(resolve, Number(process.env.SECONDS) * 1000));',
    );
    const first = start('one', 2 * long);
    await first.prints('in the test');
    first.signalGroup('SIGSTOP');
    await pause(long * 1000);
    expect((await start('two', 0).ended).output).toContain('✓ remove asleep from the cluster');
    first.signalGroup('SIGCONT');
    const { status, output } = await first.ended;
    expect(status).toBe(1);
    expect(output).toContain('This run was taken for dead, and has lost its part in asleep (NO_CLUSTER)');
  };
  await Promise.all([busy(), asleep()]);
  expect(await kubectl('get', 'leases', '-n', 'default', '-o', 'name')).not.toContain('jest-kubernetes');
}, 240_000);

/** A kubeconfig of a service account, whose namespace is also its context's. */
async function kubeconfigOf(account: string, namespace: string): Promise<string> {
  // since Kubernetes 1.24 a ServiceAccount's token is made when it is asked for, and lies in no Secret
  const token = (await kubectl('create', 'token', account, `--namespace=${namespace}`)).trim();
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Record<string, unknown>;
  const file = path.join(installed.folder, `${account}.kubeconfig`);
  writeFileSync(
    file,
    stringify({
      ...config,
      users: [{ name: account, user: { token } }],
      contexts: [{ name: account, context: { cluster: `kind-${foreign}`, user: account, namespace } }],
      'current-context': account,
    }),
  );
  return file;
}

/** Somebody who may use one namespace, as on a cluster that a team shares: no nodes to be seen, no namespaces made. */
async function restricted(): Promise<string> {
  await kubectl('create', 'namespace', 'team');
  await kubectl('create', 'serviceaccount', 'ci', '--namespace=team');
  const role = [
    '--verb=*',
    '--resource=configmaps,secrets,pods,leases.coordination.k8s.io',
    '--namespace=team',
  ];
  await kubectl('create', 'role', 'ci', ...role);
  await kubectl('create', 'rolebinding', 'ci', '--role=ci', '--serviceaccount=team:ci', '--namespace=team');
  return kubeconfigOf('ci', 'team');
}

test('the rights that the guide lists are enough for PostgreSQL, a service and a namespace of one’s own, and to take them back', async () => {
  const guide = readFileSync(path.join(__dirname, '../../docs/guide/existing-clusters.md'), 'utf8');
  const role = /```yaml\n(apiVersion: rbac[^]*?)```/.exec(guide)?.[1] ?? '';
  const file = path.join(installed.folder, 'role.yaml');
  writeFileSync(file, role);
  await execa('docker', ['cp', file, `${foreign}-control-plane:/role.yaml`]);
  await kubectl('apply', '-f', '/role.yaml');
  await kubectl('create', 'serviceaccount', 'granted', '--namespace=default');
  const binding = ['--clusterrole=jest-kubernetes', '--serviceaccount=default:granted'];
  await kubectl('create', 'clusterrolebinding', 'granted', ...binding);
  const project = installed.project('granted', {
    'a.test.ts': `
import { namespace } from 'jest-kubernetes';
import { Client } from 'pg';
test('has a database and a namespace', async () => {
  const db = new Client();
  await db.connect();
  expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await db.end();
  expect(await namespace()).toMatch(/^a-/);
  expect(process.env.REDIS_URL).toMatch(/^redis:/);
});`,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: {
        ...{ provider: 'existing', name: 'granted', context: 'granted' },
        kubeconfig: await kubeconfigOf('granted', 'default'),
      },
      postgres: true,
      services: ['redis:8-alpine'],
    }),
  });
  const { status, output } = await project.run();
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).toMatch(/✓ remove \S+ from the cluster/);
  expect(await kubectl('get', 'namespaces', '-o', 'name')).not.toMatch(/jest-kubernetes|\/a-/);
}, 120_000);

test('a user of one namespace: what has no node to go to is pushed or left alone, and what is kept goes by `down`', async () => {
  await using registry = await faultyRegistry();
  const project = installed.project('restricted', {
    'a.test.ts': `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
test('finds what was set up', async () => {
  const { data } = await client(k8s.CoreV1Api).readNamespacedConfigMap({ name: 'set-up', namespace: 'team' });
  expect(data).toStrictEqual({ colour: 'blue' });
});`,
    'k8s/set-up.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: set-up, namespace: team }\ndata: { colour: blue }\n',
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig: await restricted(), context: 'ci' },
      manifests: ['k8s'],
      images: [{ reference: 'busybox', push: `${registry.host}/team/busybox:1` }, 'postgres:17-alpine'],
    }),
  });
  const { status, output } = await project.run([], { JEST_KUBERNETES_KEEP: 'always' });
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).toContain(`pushed to ${registry.host}/team/busybox:1`);
  expect(registry.pushed('team/busybox:1')).toMatchObject({ layers: [expect.anything()] });
  expect(output).toMatch(/import postgres:17-alpine .*left to the cluster/);
  const inNamespace = (): Promise<string> =>
    kubectl('get', 'configmaps,leases', '--namespace=team', '-o', 'name');
  expect(output).toContain(`keeps ${project.cluster} in the existing cluster`);
  expect(await inNamespace()).toContain('set-up');
  expect(await project.cli(['down'])).toMatchObject({ status: 0 });
  expect(await inNamespace()).not.toMatch(/set-up|jest/);
}, 300_000);

test('a context that is not there is named, with those that are', async () => {
  const project = installed.project('wrong-context', {
    'a.test.ts': reading,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig, context: 'nowhere' },
      images: [],
    }),
  });
  const { status, output } = await project.run();
  expect(status).toBe(1);
  expect(output).toContain('no whole context “nowhere”');
  expect(output).toContain(`kind-${foreign}`);
}, 60_000);
