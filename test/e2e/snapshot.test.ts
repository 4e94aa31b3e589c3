import { execa } from 'execa';

import { type Installation, installation, nothing } from './support/project.js';
import { images, on, references, removeThoseBesides } from './support/snapshot-images.js';

let installed: Installation;
beforeAll(async () => {
  installed = await installation();
}, 180_000);
afterAll(() => installed.remove(), 60_000);

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
