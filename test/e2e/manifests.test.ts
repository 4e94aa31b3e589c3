import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { type Installation, installation, nothing, type Project } from './support/project.js';

/* One cluster for the whole file, kept from run to run: what is set up in it is a manifest each. */
let installed: Installation;
let project: Project;

const workload = (name: string, kind: 'Deployment' | 'Job', container: object): string => {
  const pod = {
    terminationGracePeriodSeconds: 0,
    ...(kind === 'Job' && { restartPolicy: 'Never' }),
    containers: [{ name, image: 'busybox:latest', imagePullPolicy: 'Never', ...container }],
  };
  const template = { metadata: { labels: { app: name } }, spec: pod };
  return JSON.stringify({
    ...(kind === 'Job' ? { apiVersion: 'batch/v1' } : { apiVersion: 'apps/v1' }),
    ...{ kind, metadata: { name, namespace: 'default' } },
    spec: kind === 'Job' ? { template } : { selector: { matchLabels: { app: name } }, template },
  });
};
const slow = workload('web', 'Deployment', {
  command: ['sleep', '3600'],
  readinessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 8, periodSeconds: 1 },
});
const seed = workload('seed', 'Job', { command: ['sh', '-c', 'sleep 2; echo seeded'] });
const bad = workload('bad', 'Deployment', { image: 'shop/nope:1' });

const seesThem = `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
test('all is ready before the first test', async () => {
  const { status } = await client(k8s.AppsV1Api).readNamespacedDeployment({ name: 'web', namespace: 'default' });
  expect(status?.readyReplicas).toBe(1);
  const job = await client(k8s.BatchV1Api).readNamespacedJob({ name: 'seed', namespace: 'default' });
  expect(job.status?.succeeded).toBe(1);
});
`;

const configured = (config: object): void => {
  writeFileSync(
    path.join(project.folder, 'jest-kubernetes.config.json'),
    JSON.stringify({ images: ['busybox:latest'], keep: 'always', ...config }),
  );
};

beforeAll(async () => {
  installed = await installation();
  project = installed.project('manifests', {
    'a.test.ts': seesThem,
    'jest-kubernetes.config.json': '{}',
    'k8s/web.json': slow,
    'k8s/seed.json': seed,
    'bad.json': bad,
    'broken.yaml': 'kind: ConfigMap\nmetadata: [',
    'overlay/kustomization.yaml': 'resources: [missing.yaml]\n',
  });
}, 300_000);
afterAll(async () => {
  await project.cli(['down', project.cluster, '--force']);
  const left = await installed.remains();
  await installed.remove();
  expect(left).toEqual(nothing);
}, 120_000);

test('what is wrong in a file is told before anything is made', async () => {
  configured({ manifests: ['k8s', 'broken.yaml'] });
  const { status, output } = await project.run();
  expect(status).toBe(1);
  expect(output).toMatch(/broken\.yaml:2 is not valid YAML.* \(MANIFEST_INVALID\)/);
  expect(output).not.toContain('creates the cluster');
  expect(await installed.remains()).toEqual(nothing);
}, 120_000);

test('a kubectl that cannot be had is told before anything is made', async () => {
  configured({ manifests: [{ kustomize: 'overlay' }] });
  const bin = path.join(project.folder, 'without-kubectl');
  mkdirSync(bin);
  symlinkSync((await execa('sh', ['-c', 'command -v docker'])).stdout, path.join(bin, 'docker'));
  const nothingThere = 'http://127.0.0.1:9';
  const { status, output } = await project.run([], {
    PATH: bin,
    XDG_CACHE_HOME: path.join(project.folder, 'cache'),
    JEST_KUBERNETES_KUBECTL_BASE_URL: nothingThere,
  });
  expect(status).toBe(1);
  expect(output).toContain('kubectl is not on PATH, and could not be downloaded (TOOL_MISSING)');
  expect(output).toContain(nothingThere);
  expect(output).not.toContain('creates the cluster');
  expect(await installed.remains()).toEqual(nothing);
}, 120_000);

test('a workload is ready, and a Job done, before the first test; a run that joins meanwhile waits too', async () => {
  configured({ manifests: ['k8s'] });
  const first = project.start();
  await first.prints(/✓ apply manifests/);
  const second = project.start();
  const [one, two] = await Promise.all([first.ended, second.ended]);
  for (const { status, output } of [one, two]) expect({ status, output }).toMatchObject({ status: 0 });
  expect(one.output).toMatch(/✓ the manifests’ objects are ready.* 2 of them/);
  expect(two.output).toMatch(/✓ the manifests’ objects are ready.* ready already/);
  const again = await project.run();
  expect(again).toMatchObject({
    status: 0,
    output: expect.stringMatching(/are ready.* ready already/) as string,
  });
}, 400_000);

test('one whose image is not there makes the run red at once, with the object, what it lacks, and the cause', async () => {
  configured({ manifests: ['k8s', 'bad.json'] });
  const { status, output } = await project.run();
  expect({ status, output }).toMatchObject({ status: 1 });
  expect(output).toContain(
    'Deployment default/bad is not ready: image shop/nope:1 is not in the node, and may not be pulled (imagePullPolicy: Never) (IMAGE_IMPORT_FAILED)',
  );
  expect(output).toContain('    0 of 1 replicas are ready\n');
  const took = Number(/✗ the manifests’ objects are ready\s+([\d.]+) s/.exec(output)?.[1]);
  expect(took).toBeLessThan(60);
}, 200_000);

test('one that is not to be waited for is not', async () => {
  configured({ manifests: ['k8s', { path: 'bad.json', wait: false }] });
  expect(await project.run()).toMatchObject({ status: 0 });
}, 200_000);

test('what kubectl says of a kustomization that it cannot build is told', async () => {
  configured({ manifests: [{ kustomize: 'overlay' }] });
  const { status, output } = await project.run();
  expect(status).toBe(1);
  expect(output).toMatch(/overlay is a kustomize folder, which kubectl cannot build \(MANIFEST_INVALID\)/);
  expect(output).toContain('missing.yaml');
}, 120_000);

test('a chart goes into its namespace, by a script that stands for helm', async () => {
  const bin = path.join(project.folder, 'bin');
  mkdirSync(bin);
  const rendered = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'of-chart' } });
  writeFileSync(path.join(bin, 'helm'), `#!/bin/sh\necho '${rendered}'\n`);
  chmodSync(path.join(bin, 'helm'), 0o755);
  mkdirSync(path.join(project.folder, 'chart'));
  writeFileSync(
    path.join(project.folder, 'chart/Chart.yaml'),
    'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
  );
  configured({ manifests: [{ helm: 'chart', namespace: 'of-helm' }] });
  writeFileSync(
    path.join(project.folder, 'a.test.ts'),
    `
import { client } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
test('it is there', async () => {
  await client(k8s.CoreV1Api).readNamespacedConfigMap({ name: 'of-chart', namespace: 'of-helm' });
});
`,
  );
  const env = { PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` };
  const { status, output } = await project.run([], env);
  expect({ status, output }).toMatchObject({ status: 0 });
}, 200_000);
