import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { installation, until, type Installation } from './support/project.js';

/** A cluster that somebody else made, with kind alone, and that must still be there in the end. */
const foreign = `e2e-foreign-${process.pid}`;
let installed: Installation;
let kubeconfig: string;
beforeAll(async () => {
  installed = await installation();
  kubeconfig = path.join(installed.folder, 'foreign.kubeconfig');
  const image = process.env['JEST_KUBERNETES_NODE_IMAGE'];
  const kind = await execa('node', [path.join(__dirname, 'support/kind-path.mjs'), installed.folder]);
  await execa(kind.stdout.trim(), [
    ...['create', 'cluster', '--name', foreign, '--kubeconfig', kubeconfig],
    ...(image === undefined ? [] : ['--image', image]),
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
      cluster: { provider: 'existing', kubeconfig },
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
  expect(first.run.output).toContain('uses the existing cluster');
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
}, 180_000);

test('a killed run is cleaned up after, too', async () => {
  const { run } = onMachine('killed', 60);
  await run.prints('ready in');
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
}, 180_000);

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
