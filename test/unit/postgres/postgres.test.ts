import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PostgresConfig } from '../../../src/config/config.js';
import { clusterLabel, namespaceFor, ownerLabel } from '../../../src/kubernetes/index.js';
import { urlOf } from '../../../src/postgres/connection.js';
import { workerDatabaseName } from '../../../src/postgres/databases.js';
import { createWorkerDatabase, deployPostgres, postgresKey } from '../../../src/postgres/index.js';
import { initFailed } from '../../../src/postgres/init-scripts.js';
import { migrate } from '../../../src/postgres/migrate.js';
import { firstPod, postgresObjects } from '../../../src/postgres/objects.js';
import { roomRemedy } from '../../../src/postgres/out-of-room.js';
import { isAway, outlasting } from '../../../src/postgres/outlasting.js';
import { silent } from '../../../src/report/index.js';
import { postgresConfig } from '../../postgres-config.js';
import { type FakeCluster, fakeCluster } from '../kubernetes/fake-cluster.js';

const config: PostgresConfig = { ...postgresConfig, settings: { fsync: 'on', work_mem: '8MB' } };

const objectOf = (kind: string, node?: string): string =>
  JSON.stringify(postgresObjects(config, 'secret', { node }).find((object) => object.kind === kind));

test.each([
  [true, { code: '57P01', message: 'terminating connection due to administrator command' }],
  [true, { code: '57P03', message: 'the database system is starting up' }],
  [true, { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:25432' }],
  [true, { code: 'ECONNRESET', message: 'read ECONNRESET' }],
  [true, { message: 'Connection terminated unexpectedly' }],
  [false, { code: '3D000', message: 'database "shop" does not exist' }],
  [false, { code: '28P01', message: 'password authentication failed for user "shop"' }],
  [false, { code: '53300', message: 'sorry, too many clients already' }],
])('whether a server is away for a moment: %j, as it says %j', (away, error) => {
  expect(isAway(Object.assign(new Error(error.message), error))).toBe(away);
});

test('a server that stays away is waited for once, not once for each test file', async () => {
  const port = 1; // nobody listens there
  const postgres = {
    host: '127.0.0.1',
    port,
    user: 'app',
    password: '',
    template: 'none',
    runId: 'away',
    reset: 'file',
  } as const;
  const away = { code: 'POSTGRES_FAILED', evidence: [`connect ECONNREFUSED 127.0.0.1:${port}`] };
  await expect(createWorkerDatabase(postgres, '1', 1000)).rejects.toMatchObject({
    ...away,
    message: `PostgreSQL at 127.0.0.1:${port} has not answered for 1 s`,
  });
  await expect(createWorkerDatabase(postgres, '1')).rejects.toMatchObject({
    ...away,
    message: `PostgreSQL at 127.0.0.1:${port} still does not answer`,
  });
});

const full = Object.assign(new Error('could not extend file "base/5/16389": No space left on device'), {
  code: '53100',
});

test('where its files have no room, the option is named by which they have', async () => {
  const { address, progress } = { address: { host: '', port: 1, user: '', password: '' }, progress: silent };
  const work = (): Promise<void> => Promise.reject(full);
  await expect(outlasting(address, work)).rejects.toMatchObject({
    code: 'DISK_FULL',
    remedy: expect.stringContaining("postgres.storage to 'disk'") as string,
  });
  const steps = { signal: AbortSignal.timeout(10_000), progress, cwd: '/' };
  for (const hook of [work, `echo '${full.message}'; false`]) {
    await expect(migrate(hook, address, 'app', steps)).rejects.toMatchObject({
      remedy: expect.stringContaining('postgres.storage') as string,
    });
  }
  expect(initFailed('/a.sql', `psql:a.sql:1: ERROR:  ${full.message}\n`).remedy).toContain(
    'postgres.storage',
  );
});

test('where they lie on the disk already, the option that would lay them there is not named', async () => {
  const address = { host: '', port: 2, user: '', password: '', storage: 'disk' } as const;
  const work = (): Promise<void> => Promise.reject(full);
  const steps = { signal: AbortSignal.timeout(10_000), progress: silent, cwd: '/', storage: 'disk' } as const;
  const remedy = expect.stringMatching(/^The disk of the container engine is full/) as string;
  expect(roomRemedy(full, 'disk')).toEqual(remedy);
  await expect(outlasting(address, work)).rejects.toMatchObject({ remedy });
  for (const hook of [work, `echo '${full.message}'; false`]) {
    await expect(migrate(hook, address, 'app', steps)).rejects.toMatchObject({ remedy });
  }
  expect(initFailed('/a.sql', `psql:a.sql:1: ERROR:  ${full.message}\n`, 'disk')).toMatchObject({ remedy });
});

test.each([
  ['memory', '/tmp/', '"medium":"Memory"'],
  ['disk', '/var/', '"emptyDir":{}'],
] as const)(
  'in storage %s its files lie in %s of a node of ours, elsewhere in %s',
  (storage, folder, volume) => {
    const server = (node?: string): string =>
      JSON.stringify(postgresObjects({ ...config, storage }, '', { node }));
    expect(server('shop-control-plane')).toContain(`"path":"${folder}`);
    expect(server()).toContain(volume);
  },
);

test('a user’s settings win over the fast ones, which need no durability', () => {
  const server = objectOf('StatefulSet');
  expect(server).toContain('"fsync=on"');
  expect(server).toContain('"work_mem=8MB"');
  expect(server).toContain('"synchronous_commit=off"');
});

test('on a node of ours the files outlive the pod and the port is the node’s; elsewhere neither is taken', () => {
  const onNode = objectOf('StatefulSet', 'shop-control-plane');
  for (const part of ['"hostPath"', '"hostNetwork":true', '"containerPort":25432']) {
    expect(onNode).toContain(part);
  }
  const elsewhere = objectOf('StatefulSet');
  for (const part of ['hostPath', 'hostNetwork', '25432']) expect(elsewhere).not.toContain(part);
  expect(elsewhere).toContain('"containerPort":5432');
});

test('where its node has files to begin with, the container sees them, and starts by them; else the image alone decides', () => {
  const container = (isInitialized: boolean): unknown => {
    const objects = postgresObjects(config, 'secret', { node: 'shop-control-plane', isInitialized });
    const statefulSet = objects.find(({ kind }) => kind === 'StatefulSet');
    return (statefulSet?.['spec'] as { template: { spec: { containers: unknown[] } } }).template.spec
      .containers[0];
  };
  const mount = { name: 'initialized', mountPath: '/jest-kubernetes-initialized', readOnly: true };
  expect(container(true)).toMatchObject({
    command: ['bash', '-c', expect.stringContaining('exec docker-entrypoint.sh "$@"') as string, 'bash'],
    args: expect.arrayContaining(['postgres', 'fsync=on']) as string[],
    volumeMounts: expect.arrayContaining([mount]) as object[],
  });
  expect(container(false)).toHaveProperty('command', undefined);
  expect(JSON.stringify(container(false))).not.toContain('initialized');
});

test.each([
  ['shop-control-plane', 'privileged'],
  [undefined, 'baseline'],
])(
  'on node %s its namespace asks for the Pod Security standard %s, whatever the default is',
  (node, standard) => {
    expect(objectOf('Namespace', node)).toContain(`"pod-security.kubernetes.io/enforce":"${standard}"`);
  },
);

test('the first pod is the one that the StatefulSet would make, on its node already', () => {
  const node = 'shop-control-plane';
  const statefulSet = postgresObjects(config, 'secret', { node }).find(({ kind }) => kind === 'StatefulSet');
  if (statefulSet === undefined) throw new Error('there is no StatefulSet');
  const { selector, template } = statefulSet['spec'] as {
    selector: { matchLabels: Record<string, string> };
    template: { spec: object };
  };
  const { metadata, spec } = firstPod(statefulSet, node);
  expect(metadata).toMatchObject({
    name: 'postgres-0',
    namespace: 'jest-kubernetes',
    labels: { ...selector.matchLabels, 'statefulset.kubernetes.io/pod-name': 'postgres-0' },
  });
  expect(template.spec).toHaveProperty(['nodeSelector', 'kubernetes.io/hostname'], node);
  expect(spec).toEqual({ ...template.spec, nodeSelector: undefined, nodeName: node });
});

test('the password is in the Secret alone', () => {
  const holders = postgresObjects(config, 'hush-hush', {}).filter((object) =>
    JSON.stringify(object).includes('hush-hush'),
  );
  expect(holders.map(({ kind }) => kind)).toEqual(['Secret']);
});

test('passwords are encoded in the URL', () => {
  const url = new URL(
    urlOf({ host: '127.0.0.1', port: 5432, user: 'app', password: 'p@ss/w:rd?#' }, 'my db'),
  );
  expect(decodeURIComponent(url.password)).toBe('p@ss/w:rd?#');
  expect(url.pathname).toBe('/my%20db');
});

test('the name of a worker’s database fits PostgreSQL’s 63 bytes, whatever the run’s id', () => {
  expect(workerDatabaseName('Run-7f3A', '4')).toBe('jk_run7f3a_4');
  expect(workerDatabaseName('x'.repeat(200), '128').length).toBeLessThan(63);
});

test('a template is made anew when a script, its name, the migration or its place changes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'initdb-'));
  try {
    await writeFile(join(folder, '1.sql'), 'SELECT 1');
    const withScripts = { ...config, initdb: [folder] };
    const before = await postgresKey(withScripts, '/repo');
    expect(await postgresKey(withScripts, '/elsewhere')).toBe(before);
    const keys = [
      before,
      await postgresKey(config, '/repo'),
      await postgresKey({ ...withScripts, migrate: 'npm run migrate' }, '/repo/a'),
      await postgresKey({ ...withScripts, migrate: 'npm run migrate' }, '/repo/b'),
    ];
    await writeFile(join(folder, '1.sql'), 'SELECT 2');
    keys.push(await postgresKey(withScripts, '/repo'));
    expect(new Set(keys).size).toBe(keys.length);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a bad script is told by the host’s file and the line', () => {
  const error = initFailed(
    '/repo/db/01-schema.sql',
    'CREATE TABLE\npsql:01-schema.sql:7: ERROR:  syntax error\nLINE 1: CREAT\n',
  );
  expect(error.message).toBe('The init script failed at /repo/db/01-schema.sql:7');
  expect(error.evidence[0]).toContain('syntax error');
  const taken = initFailed('/repo/db/r.sql', 'psql:r.sql:1: ERROR:  role "clerk" already exists\n');
  expect(taken.remedy).toContain('duplicate_object');
  expect(initFailed('/repo/db/x.sh', 'no such command\n').message).toBe(
    'The init script failed at /repo/db/x.sh',
  );
});

test.each([
  ['shop', 'jest-kubernetes-shop-f5e6366d'],
  ['shop.ci-4711', 'jest-kubernetes-shop-ci-4711-f5e6366d'],
  [`a${'.'.repeat(47)}b`, 'jest-kubernetes-a-f5e6366d'],
  ['n'.repeat(49), `jest-kubernetes-${'n'.repeat(38)}-f5e6366d`],
])('its namespace in a shared cluster is a valid one for any valid name: %s', (cluster, expected) => {
  const namespace = namespaceFor({ id: 'f5e6366d', cluster });
  expect(namespace).toBe(expected);
  expect(namespace).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
});

describe('in a cluster that was there before', () => {
  const owner = { id: 'f5e6366d', cluster: 'shop' };
  const namespace = namespaceFor(owner);
  const deploy = (cluster: FakeCluster): Promise<unknown> =>
    deployPostgres(cluster.access, config, {
      ...{ namespace, owner, signal: AbortSignal.timeout(5000), progress: silent },
    });

  test('its namespace carries the mark', async () => {
    await using cluster = await fakeCluster();
    await deploy(cluster);
    const { labels } = cluster.get(`Namespace ${namespace}`).metadata;
    expect(labels).toMatchObject({ [ownerLabel]: owner.id, [clusterLabel]: owner.cluster });
    expect(cluster.names()).toContain(`Secret ${namespace}/postgres`);
  });

  test('one of that name that somebody else has made is left alone', async () => {
    await using cluster = await fakeCluster();
    const theirs = cluster.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await expect(deploy(cluster)).rejects.toMatchObject({ code: 'MANIFEST_CONFLICT' });
    expect(cluster.names()).toEqual([`Namespace ${namespace}`]);
    expect(cluster.get(`Namespace ${namespace}`)).toEqual(theirs);
  });
});
