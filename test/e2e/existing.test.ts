import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';
import { parse, parseAllDocuments, stringify } from 'yaml';

import { faultyRegistry } from '../integration/registry/index.js';
import { nodeImageHere } from '../node-image.js';
import { type Installation, installation, until } from './support/project.js';

/** A cluster that somebody else made, with kind alone, and that must still be there in the end. */
const foreign = `e2e-foreign-${process.pid}`;
let installed: Installation;
let kubeconfig: string;
/** Whose rights are those of the README. */
let shardsUser: string;
beforeAll(async () => {
  installed = await installation();
  kubeconfig = path.join(installed.folder, 'foreign.kubeconfig');
  const kind = await execa('node', [path.join(__dirname, 'support/kind-path.mjs'), installed.folder]);
  await execa(kind.stdout.trim(), [
    ...['create', 'cluster', '--name', foreign, '--kubeconfig', kubeconfig],
    ...(nodeImageHere === undefined ? [] : ['--image', nodeImageHere]),
  ]);
  await kubectl('create', 'namespace', 'team');
  shardsUser = await userWith('shards', 'Role', 'ClusterRole');
}, 300_000);
afterAll(async () => {
  await execa('docker', ['rm', '-f', '-v', `${foreign}-control-plane`]);
  await installed.remove();
}, 60_000);

async function applyAsTheTeam(text: string): Promise<void> {
  const args = ['exec', '-i', `${foreign}-control-plane`, 'kubectl'];
  await execa('docker', [...args, '--kubeconfig=/etc/kubernetes/admin.conf', 'apply', '-f', '-'], {
    input: text,
  });
}

/** The README's own rights, in the order in which they stand there. */
function rights(): { kind: string }[] {
  const readme = readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
  const block = /^```yaml\n(apiVersion: rbac[\s\S]*?)^```$/m.exec(readme)?.[1] ?? '';
  return parseAllDocuments(block).map((each) => each.toJS() as { kind: string });
}

/** A user of the namespace `team` who has no more than those of the README's rights. @returns their kubeconfig */
async function userWith(name: string, ...kinds: string[]): Promise<string> {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', name: 'jest-kubernetes' };
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'team' } },
    ...rights().filter(({ kind }) => kinds.includes(kind)),
    ...kinds.map((kind) => ({
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: `${kind}Binding` },
      metadata: { name, ...(kind === 'Role' ? { namespace: 'team' } : {}) },
      ...{ roleRef: { ...roleRef, kind }, subjects: [{ kind: 'ServiceAccount', name, namespace: 'team' }] },
    })),
  ];
  await applyAsTheTeam(objects.map((each) => stringify(each)).join('---\n'));
  // since Kubernetes 1.24 a ServiceAccount's token is made when it is asked for, and lies in no Secret
  const token = (await kubectl('create', 'token', name, '--namespace=team')).trim();
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Record<string, unknown>;
  const file = path.join(installed.folder, `${name}.kubeconfig`);
  const context = { cluster: `kind-${foreign}`, user: name, namespace: 'team' };
  const users = [{ name, user: { token } }];
  const contexts = [{ name, context }];
  writeFileSync(file, stringify({ ...config, users, contexts, 'current-context': 'none' }));
  return file;
}

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

const inNode = (...args: string[]) =>
  execa(
    'docker',
    ['exec', `${foreign}-control-plane`, 'kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', ...args],
    { reject: false },
  );
const kubectl = (...args: string[]): Promise<string> =>
  inNode(...args).then(({ stdout, stderr }) => stdout + stderr);

/** A checkout of the same project at the same path, as CI's machines have it: the state directory is the machine. */
function onMachine(
  name: string,
  seconds: number,
): { run: ReturnType<ReturnType<Installation['project']>['start']> } {
  const project = installed.project('shard', {
    'a.test.ts': reading,
    'k8s/shop.yaml': manifest,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig: shardsUser, context: 'shards' },
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
  expect(await kubectl('get', 'leases', '-n', 'team', '-o', 'name')).not.toContain('jest-kubernetes');
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
    async () => !(await kubectl('get', 'leases', '-n', 'team', '-o', 'name')).includes('jest-kubernetes'),
  );
  await until(
    'PostgreSQL is gone',
    async () => !(await kubectl('get', 'namespaces', '-o', 'name')).includes('jest-kubernetes'),
  );
}, 300_000);

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
      cluster: { provider: 'existing', kubeconfig: await userWith('narrow', 'Role'), context: 'narrow' },
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

/** What a platform team has in its cluster before anybody's tests come. */
const theirs = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.shop.test }
spec:
  group: shop.test
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
---
apiVersion: v1
kind: Namespace
metadata: { name: staging, labels: { team: platform } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: staging }
data: { colour: red, size: L }
`;
const elsewhere = `
apiVersion: v1
kind: Namespace
metadata: { name: elsewhere }
---
apiVersion: shop.test/v1
kind: Widget
metadata: { name: precious, namespace: elsewhere }
spec: { size: 3 }
`;
/** What the suite brings besides, into a namespace that was there and into one of its own. */
const suite = `
apiVersion: shop.test/v1
kind: Widget
metadata: { name: of-the-suite, namespace: staging }
spec: { size: 1 }
---
apiVersion: v1
kind: Namespace
metadata: { name: of-the-suite }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: set-up-once, namespace: of-the-suite }
data: { colour: blue }
`;

/** Every object of every kind, whole, but what the cluster itself writes all the time. */
async function everything(): Promise<Map<string, string>> {
  const passing = /^(events|events\.events\.k8s\.io|nodes|componentstatuses|leases\.coordination\.k8s\.io)$/;
  const kinds = (await kubectl('api-resources', '--verbs=list', '-o', 'name')).trim().split('\n');
  const asked = kinds.filter((kind) => !passing.test(kind)).join(',');
  const { stdout } = await inNode(
    ...['get', asked, '--all-namespaces', '--show-managed-fields', '-o', 'json'],
  );
  const { items } = JSON.parse(stdout) as {
    items: { kind: string; apiVersion: string; metadata: { namespace?: string; name: string } }[];
  };
  // kubelets write their pods' status there at any time
  const ofTheCluster = ['kube-system', 'local-path-storage'];
  const others = items.filter(({ metadata }) => !ofTheCluster.includes(metadata.namespace ?? ''));
  return new Map(
    others.map((item) => {
      const { kind, apiVersion, metadata } = item;
      return [
        `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
        JSON.stringify(item, null, 2),
      ];
    }),
  );
}

test('ten shards share a cluster of somebody else’s, half of them are killed: what was there is there, byte for byte', async () => {
  await applyAsTheTeam(theirs);
  await kubectl('wait', '--for=condition=Established', 'crd/widgets.shop.test');
  await applyAsTheTeam(elsewhere);
  await until('the namespaces have all that Kubernetes gives them', async () => {
    const all = await everything();
    return ['staging', 'elsewhere'].every((name) =>
      ['ServiceAccount default', 'ConfigMap kube-root-ca.crt'].every((each) =>
        all.has(`v1 ${each.replace(' ', ` ${name}/`)}`),
      ),
    );
  });
  const before = await everything();
  expect([...before.keys()]).toEqual(
    expect.arrayContaining(['shop.test/v1 Widget elsewhere/precious', 'v1 ConfigMap staging/settings']),
  );

  const project = installed.project('ten', {
    'a.test.js': `
const { client, namespace } = require('jest-kubernetes');
const k8s = require('@kubernetes/client-node');
test('what was set up is there from start to end', async () => {
  const core = client(k8s.CoreV1Api);
  const own = await namespace();
  for (let end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const { data } = await core.readNamespacedConfigMap({ name: 'set-up-once', namespace: 'of-the-suite' });
    expect(data).toStrictEqual({ colour: 'blue' });
    expect((await core.readNamespace({ name: own })).metadata.name).toBe(own);
  }
}, 60_000);
`,
    'k8s/theirs.yaml': theirs,
    'k8s/suite.yaml': suite,
    'jest-kubernetes.config.json': JSON.stringify({
      cluster: { provider: 'existing', kubeconfig, context: `kind-${foreign}` },
      manifests: ['k8s'],
      images: [],
    }),
  });
  const shards = Array.from({ length: 10 }, (_, index) => {
    const state = path.join(installed.folder, `state-shard-${index}`);
    mkdirSync(state);
    return project.start([], { JEST_KUBERNETES_STATE_DIR: state, JEST_KUBERNETES_NAME: 'ten.shards' });
  });
  const ends = shards.map(async (shard, index) => {
    await shard.prints('ready in');
    if (index % 2 === 1) shard.signalGroup('SIGKILL');
    return shard.ended;
  });
  for (const [index, end] of (await Promise.all(ends)).entries())
    expect({ index, ...end }).toMatchObject(index % 2 === 1 ? { signal: 'SIGKILL' } : { status: 0 });

  let left: string[] = [];
  await until(
    'nothing of the runs is left',
    async () => {
      const names = [...(await everything()).keys()].filter((name) => !before.has(name));
      left = [...names, ...(await kubectl('get', 'leases', '--namespace=default', '-o', 'name')).split('\n')];
      return left.every((name) => name === '' || name.startsWith('No resources'));
    },
    150_000,
    () => left.join('\n'),
  );
  const after = await everything();
  for (const [name, text] of before) expect({ name, text: after.get(name) }).toEqual({ name, text });
}, 600_000);

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
