import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { expectOneCluster } from '../e2e/support/examples.js';
import { type Installation, installation } from '../e2e/support/project.js';
import { pushIndex, storedManifest } from '../integration/registry/index.js';
import { type ContainerdEngine, containerdEngine } from './containerd-engine.js';

let installed: Installation;
/** A name of Docker Hub that means several platforms. */
let multiPlatform: string;
beforeAll(async () => {
  installed = await installation();
  multiPlatform = await busyboxOfSeveralPlatforms();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

/** Docker Hub's own is one; where the rig's registry stands in for it, it is made of the rig's. */
async function busyboxOfSeveralPlatforms(): Promise<string> {
  const { stdout } = await execa('docker', ['info', '--format', '{{json .RegistryConfig.Mirrors}}']);
  const registry = '127.0.0.1:5000';
  if (!stdout.includes(registry)) return 'busybox';
  const manifest = await storedManifest(registry, 'library/busybox', 'latest');
  await pushIndex(registry, 'library/busybox', 'several-platforms', { manifest });
  return 'busybox:several-platforms';
}

const seeing = (image: string): string => `
import { client, namespace } from 'jest-kubernetes';
import * as k8s from '@kubernetes/client-node';
import { Client } from 'pg';

test('PostgreSQL answers', async () => {
  const db = new Client();
  await db.connect();
  expect((await db.query('SELECT 1 + 1 AS sum')).rows).toStrictEqual([{ sum: 2 }]);
  await db.end();
});

test('an image of several platforms runs, and was not pulled by the node', async () => {
  const core = client(k8s.CoreV1Api);
  const pod = { name: 'inside', namespace: await namespace() };
  const containers = [{ name: 'it', image: '${image}', imagePullPolicy: 'Never', command: ['true'] }];
  await core.createNamespacedPod({
    ...pod,
    body: { metadata: { name: pod.name }, spec: { restartPolicy: 'Never', containers } },
  });
  for (let phase; phase !== 'Succeeded'; ) {
    const { status } = await core.readNamespacedPod(pod);
    phase = status?.phase;
    const waiting = status?.containerStatuses?.[0]?.state?.waiting?.reason;
    if (phase === 'Failed' || waiting === 'ErrImageNeverPull') throw new Error(waiting ?? phase);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}, 60_000);
`;

/** What an engine has of containers, volumes and tags of ours, in its own words; what was pulled may stay. */
async function left(command: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const asked = [
    ['ps', '--all', '--format', '{{.Names}}'],
    ['volume', 'ls', '--quiet'],
    ['images', '--filter', 'reference=localhost/jest-kubernetes/*', '--format', '{{.Repository}}:{{.Tag}}'],
  ];
  const answers = await Promise.all(asked.map((args) => execa(command, args, { env })));
  return answers.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line !== '');
}

async function wholeRun(name: string, command: string, env: NodeJS.ProcessEnv): Promise<void> {
  const project = installed.project(name, {
    'it.test.ts': seeing(multiPlatform),
    'jest-kubernetes.config.json': JSON.stringify({ postgres: true, images: [multiPlatform] }),
  });
  const before = await left(command, env);
  const { status, output } = await project.run([], env);
  expectOneCluster({ exitCode: status ?? -1, output }, { cluster: project.cluster, tests: { it: 2 } });
  expect(await left(command, env)).toEqual(before);
  const clusters = path.join(installed.stateDir, 'clusters');
  expect(existsSync(clusters) ? readdirSync(clusters) : []).toEqual([]);
}

describe('a whole run', () => {
  let engine: ContainerdEngine;
  beforeAll(async () => {
    engine = await containerdEngine('run');
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose](), 60_000);

  test('on a Docker Engine that keeps its images in containerd', async () => {
    const env = { DOCKER_HOST: engine.host };
    const { stdout } = await execa('docker', ['info', '--format', '{{json .DriverStatus}}'], { env });
    expect(stdout).toContain('io.containerd.snapshotter.v1');
    await wholeRun('containerd', 'docker', env);
  }, 600_000);

  test('with the name of a cluster that was kept on another engine, which is deleted there first', async () => {
    const project = installed.project('two-engines', {
      'it.test.ts': "test('runs', () => expect(process.env.KUBECONFIG).toBeDefined());\n",
      'jest-kubernetes.config.json': JSON.stringify({ images: [] }),
    });
    const here = { DOCKER_HOST: process.env['DOCKER_HOST'] };
    const there = { DOCKER_HOST: engine.host };
    const nodesAt = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const label = `label=io.x-k8s.kind.cluster=${project.cluster}`;
      return (await execa('docker', ['ps', '--all', '--filter', label, '--format', '{{.Names}}'], { env }))
        .stdout;
    };
    const idOf = async (env: NodeJS.ProcessEnv): Promise<string> =>
      (await execa('docker', ['info', '--format', '{{.ID}}'], { env })).stdout;

    expect(await project.run([], { ...here, JEST_KUBERNETES_KEEP: 'always' })).toMatchObject({ status: 0 });
    expect(await nodesAt(here)).toBe(`${project.cluster}-control-plane`);

    const { status, output } = await project.run([], there);
    expect({ status, output }).toMatchObject({ status: 0 });
    const engines = `"docker ${await idOf(here)}" there, "docker ${await idOf(there)}" here`;
    expect(output).toContain(`made from another configuration (container engine: ${engines})`);
    expect([await nodesAt(here), await nodesAt(there)]).toEqual(['', '']);
  }, 600_000);

  test('on Podman', async () => {
    await wholeRun('podman', 'podman', { JEST_KUBERNETES_RUNTIME: 'podman' });
  }, 600_000);
});
