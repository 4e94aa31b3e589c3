import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { execa } from 'execa';

import { type Installation, installation, nothing, type Project, until } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

const on = { JEST_KUBERNETES_SNAPSHOT: 'on' };
const lines = async (...args: string[]): Promise<string[]> =>
  (await execa('docker', args)).stdout.split('\n').filter(Boolean);
const snapshots = ['image', 'ls', '--filter', 'label=jest-kubernetes.snapshot'];
const images = (): Promise<string[]> => lines(...snapshots, '--quiet');
const references = (): Promise<string[]> => lines(...snapshots, '--format', '{{.Repository}}:{{.Tag}}');
const originals = (): Promise<string[]> => lines('ps', '-aq', '--filter', 'name=jk-snapshot-');

async function removeThoseBesides(before: readonly string[]): Promise<void> {
  const made = (await images()).filter((id) => !before.includes(id));
  if (made.length > 0) await execa('docker', ['rmi', '--force', ...made]);
}

/** What a test sees of a cluster, by kind, namespace and name, without what is random in names. */
const listsAll = `
const { execFileSync } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const kubectl = (...args) => {
  const node = process.env.JEST_KUBERNETES_CLUSTER + '-control-plane';
  return execFileSync('docker', ['exec', node, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf', ...args], { encoding: 'utf8', maxBuffer: 1e8 });
};
const until = async (condition) => {
  for (let tries = 0; tries < 300 && !condition(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 200));
};
test('lists what is there', async () => {
  const lists = (kind) => JSON.parse(kubectl('get', kind, '-A', '-o', 'json')).items;
  await until(() => lists('pods').every(({ status }) => status.containerStatuses?.every(({ ready }) => ready)));
  const kinds = kubectl('api-resources', '--verbs=list', '-o', 'name').split('\\n').filter(Boolean);
  const random = /-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
  const compared = kinds.filter((kind) => !/^events|componentstatuses|certificatesigning|clustertrust|controllerrevisions/.test(kind));
  const all = lists(compared.join(','))
    .map(({ apiVersion, kind, metadata: { namespace = '', name } }) => [apiVersion, kind, namespace, name.replace(random, '')].join(' '))
    .map((line) => line.replaceAll(/\\S*-control-plane/g, 'NODE').replace(/apiserver-[a-z0-9]{26}/, 'apiserver'));
  writeFileSync('objects.json', JSON.stringify(all.sort()));
  writeFileSync('restarts.json', JSON.stringify(lists('pods').flatMap(({ status }) => status.containerStatuses.filter(({ restartCount }) => restartCount > 0).map(({ name, restartCount }) => name + ' ' + restartCount))));
  writeFileSync('postgres.json', JSON.stringify(kubectl('logs', '--namespace', 'jest-kubernetes', 'postgres-0')));
  const [slice] = lists('endpointslices').filter(({ metadata }) => metadata.name === 'kubernetes');
  const [node] = lists('nodes');
  writeFileSync('addresses.json', JSON.stringify([slice.endpoints.flatMap(({ addresses }) => addresses), node.status.addresses[0].address, node.spec.providerID]));
}, 240_000);
`;

test('a run that finds a snapshot starts from it, and what it sees is what a new cluster has', async () => {
  const project = installed.project('snap', {
    'all.test.js': listsAll,
    'jest-kubernetes.config.json': JSON.stringify({ postgres: true }),
  });
  const read = async (file: string): Promise<unknown> =>
    JSON.parse((await execa('cat', [`${project.folder}/${file}`])).stdout);
  const [before, referencesBefore] = [await images(), await references()];
  try {
    const made = await project.cli(['snapshot'], on);
    expect(made).toMatchObject({
      status: 0,
      output: expect.stringContaining('The snapshot is made') as string,
    });
    expect(await installed.remains()).toEqual(nothing);
    expect((await project.cli(['snapshot'], on)).output).toContain('The snapshot is there already');
    expect((await project.cli(['status'], on)).output).toMatch(/snapshot [0-9a-f]{16} {2}\S+ GB, last used/);

    const fresh = await project.run([], { JEST_KUBERNETES_SNAPSHOT: 'off' });
    expect(fresh).toMatchObject({ status: 0 });
    expect(fresh.output).not.toContain('starting from the snapshot');
    const expected = await read('objects.json');
    const initializes = 'PostgreSQL init process complete';
    expect(await read('postgres.json')).toContain(initializes);

    const cloned = await project.run([], on);
    expect(cloned.output).toContain('starting from the snapshot');
    expect(cloned.output).not.toContain('could not be used');
    expect(cloned.output).toContain('1 passed');
    expect(cloned).toMatchObject({ status: 0 });
    // kubeadm's token, with which another node could join
    const isToken = (line: unknown): boolean => String(line).includes('bootstrap-token');
    expect(await read('objects.json')).toEqual((expected as unknown[]).filter((line) => !isToken(line)));
    expect(await read('restarts.json')).toEqual([]);
    expect(await read('postgres.json')).not.toContain(initializes);
    expect(await read('postgres.json')).toContain('ready to accept connections');
    const [endpoints, address, providerId] = (await read('addresses.json')) as [string[], string, string];
    expect(endpoints).toEqual([address]);
    expect(providerId).toBe(`kind://docker/${project.cluster}/${project.cluster}-control-plane`);
    expect(await installed.remains()).toEqual(nothing);

    // damaged: its node ends as soon as it has begun
    const [reference = ''] = (await references()).filter((name) => !referencesBefore.includes(name));
    const { stdout: container } = await execa('docker', ['create', reference]);
    await execa('docker', ['commit', '--change', 'ENTRYPOINT ["/bin/false"]', container, reference]);
    await execa('docker', ['rm', '--volumes', container]);
    const booted = await project.run([], on);
    expect(booted.output).toContain('the snapshot could not be used, so kind boots a new node');
    expect(booted).toMatchObject({ status: 0 });
    expect(await references()).not.toContain(reference);
    expect(await installed.remains()).toEqual(nothing);
  } finally {
    await removeThoseBesides(before);
  }
}, 1_200_000);

/** There is a snapshot, and the next run's cluster is to be on standby. */
async function standsBy(project: Project, env: NodeJS.ProcessEnv): Promise<void> {
  writeFileSync(
    path.join(project.folder, 'jest-kubernetes.config.json'),
    JSON.stringify({ images: ['busybox'], cluster: { standby: true } }),
  );
  const node = `${project.cluster}-control-plane`;
  const state = async (): Promise<string> =>
    (await execa('docker', ['inspect', '--format', '{{.State.Status}}', node], { reject: false })).stdout;
  const isPaused = async (): Promise<boolean> => (await state()) === 'paused';
  const isGone = async (): Promise<boolean> => Object.values(await installed.remains()).flat().length === 0;
  const run = async (given: NodeJS.ProcessEnv): Promise<string> => {
    const { output, status } = await project.run([], given);
    expect({ output, status }).toMatchObject({ status: 0 });
    return output;
  };

  expect(await run(env)).toContain('starting from the snapshot');
  await until('the next one is paused', isPaused, 120_000);
  expect((await project.cli(['status'], env)).output).toContain(`${project.cluster}  ready, on standby`);
  expect(await run(env)).toContain(`takes the cluster ${project.cluster}, which was on standby`);

  await until('the next one is paused', isPaused, 120_000);
  const { stdout: pid } = await execa('pgrep', ['-f', `standby/main.js ${installed.stateDir}`]);
  process.kill(Number(pid), 'SIGKILL');
  await until('nothing is left of one whose process is killed', isGone, 60_000);

  await run(env);
  await until('the next one is paused', isPaused, 120_000);
  expect(await project.cli(['down'], env)).toMatchObject({ status: 0 });
  await until('nothing is left of one that is taken down', isGone, 60_000);

  await run(env);
  await until('the next one is paused', isPaused, 120_000);
  // in CI none is left for the next
  expect(await run({ ...env, CI: 'true' })).toContain('which was on standby');
  expect(await installed.remains()).toEqual(nothing);
}

test('after a run whose cluster was booted, a snapshot is made in the background, and the next run starts from it', async () => {
  const files = {
    'one.test.js': 'test("passes", () => undefined);\n',
    // a key that no other test has
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
  };
  const [project, other] = [installed.project('auto', files), installed.project('other', files)];
  const byHand = { ...on, CI: '' };
  const before = await images();
  const isMade = async (): Promise<boolean> => (await originals()).length > 0;
  const nothingIsLeft = async (): Promise<boolean> =>
    (await originals()).length === 0 && JSON.stringify(await installed.remains()) === JSON.stringify(nothing);
  try {
    const first = await project.run([], byHand);
    expect(first.output).toContain('a snapshot of such a cluster is made in the background');
    expect(first).toMatchObject({ status: 0 });

    await until('a snapshot is being made', isMade, 120_000);
    const disturbing = other.start([], { JEST_KUBERNETES_SNAPSHOT: 'off' });
    await until('the machine is the run’s', async () => !(await isMade()), 60_000);
    expect(disturbing.child.exitCode).toBeNull();
    expect(await disturbing.ended).toMatchObject({ status: 0 });

    await until('it is being made again', isMade, 120_000);
    const { stdout: pid } = await execa('pgrep', ['-f', `snapshot-maker/main.js ${installed.stateDir}`]);
    process.kill(Number(pid), 'SIGKILL');
    await until('nothing is left of one that is killed', nothingIsLeft, 120_000);
    expect(await images()).toEqual(before);

    const second = await project.run([], byHand);
    expect(second.output).not.toContain('starting from the snapshot');
    await until('the snapshot is made', async () => (await images()).length > before.length, 600_000);
    await until('its maker has gone', nothingIsLeft, 120_000);

    const third = await project.run([], byHand);
    expect(third.output).toContain('starting from the snapshot');
    expect(third).toMatchObject({ status: 0 });
    expect(third.output).not.toContain('is made in the background');
    expect(await installed.remains()).toEqual(nothing);

    await standsBy(project, byHand);
  } finally {
    await removeThoseBesides(before);
  }
}, 1_800_000);

test('a maker that is killed leaves nothing', async () => {
  const project = installed.project('killed', {
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
  });
  const before = await images();
  const maker = project.startCli(['snapshot'], on);
  await maker.prints('make the snapshot', 300_000);
  process.kill(maker.pid, 'SIGKILL');
  const isEmpty = async (): Promise<boolean> =>
    (await originals()).length === 0 && (await installed.remains()).clusters.length === 0;
  await until('nothing is left of the maker', isEmpty, 180_000);
  expect(await images()).toEqual(before);
}, 600_000);
