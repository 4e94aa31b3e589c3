import { execa } from 'execa';

import { type Installation, installation, nothing, until } from './support/project.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

const on = { JEST_KUBERNETES_SNAPSHOT: 'on' };
const images = async (): Promise<string[]> =>
  (
    await execa('docker', ['image', 'ls', '--quiet', '--filter', 'label=jest-kubernetes.snapshot'])
  ).stdout.split('\n');

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
  const all = kinds
    .filter((kind) => !/^events|componentstatuses|certificatesigning|clustertrust|controllerrevisions/.test(kind))
    .flatMap((kind) => lists(kind).map(({ metadata: { namespace = '', name } }) => [kind, namespace, name.replace(random, '')].join(' ')))
    .map((line) => line.replaceAll(/\\S*-control-plane/g, 'NODE').replace(/apiserver-[a-z0-9]{26}/, 'apiserver'));
  writeFileSync('objects.json', JSON.stringify(all.sort()));
  writeFileSync('restarts.json', JSON.stringify(lists('pods').flatMap(({ status }) => status.containerStatuses.map(({ restartCount }) => restartCount))));
  const [slice] = lists('endpointslices').filter(({ metadata }) => metadata.name === 'kubernetes');
  const [node] = lists('nodes');
  writeFileSync('addresses.json', JSON.stringify([slice.endpoints.flatMap(({ addresses }) => addresses), node.status.addresses[0].address, node.spec.providerID]));
}, 120_000);
`;

test('a run that finds a snapshot starts from it, and what it sees is what a new cluster has', async () => {
  const project = installed.project('snap', {
    'all.test.js': listsAll,
    'jest-kubernetes.config.json': JSON.stringify({ images: [] }),
  });
  const read = async (file: string): Promise<unknown> =>
    JSON.parse((await execa('cat', [`${project.folder}/${file}`])).stdout);
  const before = await images();
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

    const cloned = await project.run([], on);
    expect(cloned).toMatchObject({
      status: 0,
      output: expect.stringContaining('starting from the snapshot') as string,
    });
    // kubeadm's token, with which another node could join
    const isToken = (line: unknown): boolean => String(line).includes('bootstrap-token');
    expect(await read('objects.json')).toEqual((expected as unknown[]).filter((line) => !isToken(line)));
    expect(new Set((await read('restarts.json')) as number[])).toEqual(new Set([0]));
    const [endpoints, address, providerId] = (await read('addresses.json')) as [string[], string, string];
    expect(endpoints).toEqual([address]);
    expect(providerId).toBe(`kind://docker/${project.cluster}/${project.cluster}-control-plane`);
    expect(await installed.remains()).toEqual(nothing);
  } finally {
    const made = (await images()).filter((id) => id !== '' && !before.includes(id));
    if (made.length > 0) await execa('docker', ['rmi', '--force', ...made]);
  }
}, 900_000);

test('a maker that is killed leaves nothing', async () => {
  const project = installed.project('killed', {
    'jest-kubernetes.config.json': JSON.stringify({ images: ['busybox'] }),
  });
  const before = await images();
  const maker = project.startCli(['snapshot'], on);
  const originals = async (): Promise<string[]> =>
    (await execa('docker', ['ps', '-aq', '--filter', 'name=jk-snapshot-'])).stdout
      .split('\n')
      .filter(Boolean);
  await maker.prints('make the snapshot', 300_000);
  process.kill(maker.pid, 'SIGKILL');
  const isEmpty = async (): Promise<boolean> =>
    (await originals()).length === 0 && (await installed.remains()).clusters.length === 0;
  await until('nothing is left of the maker', isEmpty, 180_000);
  expect(await images()).toEqual(before);
}, 600_000);
