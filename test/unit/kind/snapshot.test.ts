import { argsLike, cloneArgs } from '../../../src/cluster/kind/snapshot/container-args.js';
import {
  clusterToCapture,
  contentOf,
  type DatabaseServer,
  format,
  snapshotKey,
  withoutSnapshot,
} from '../../../src/cluster/kind/snapshot/content.js';
import {
  commitChanges,
  findSnapshot,
  hasPlace,
  listSnapshots,
  type Snapshot,
  superfluous,
} from '../../../src/cluster/kind/snapshot/store.js';
import { isNamed } from '../../../src/cluster/kind/snapshots.js';
import type { ClusterConfig } from '../../../src/config/index.js';
import { resolveNodes } from '../../../src/config/resolve-nodes.js';
import type { ContainerRuntime } from '../../../src/runtime/index.js';

const cluster: ClusterConfig = {
  ...{ provider: 'kind', name: 'shop', image: 'kindest/node:v1', nodes: resolveNodes(1, String) },
  ...{
    config: undefined,
    snapshot: true,
    standby: false,
    kubeconfig: undefined,
    context: undefined,
    conflicts: 'refuse',
  },
};
const engine: ContainerRuntime = {
  ...{ name: 'docker', command: 'docker', env: {}, id: 'id', host: '127.0.0.1', version: '28' },
  ...{ platform: 'linux/amd64', cpus: 2, memoryBytes: 8e9, cgroupVersion: 2 },
};

/** Where each image's id is its name. */
const ids = (args: readonly string[]): Promise<string> => Promise.resolve(args.slice(4).join('\n'));
const keyOf = async (
  changes: {
    cluster?: Partial<ClusterConfig>;
    engine?: Partial<ContainerRuntime>;
    images?: string[];
    database?: DatabaseServer;
  } = {},
  { kind = '0.33.0', run = ids } = {},
): Promise<string> => {
  const wanted = {
    cluster: { ...cluster, ...changes.cluster },
    engine: { ...engine, ...changes.engine },
    images: changes.images ?? ['postgres:17-alpine'],
    database: changes.database,
  };
  const content = await contentOf(wanted, kind, run);
  return content === undefined ? 'not known' : snapshotKey(content);
};

describe('the key of a snapshot', () => {
  const kindNode = { role: 'control-plane' };
  const mounted = { ...kindNode, extraMounts: [{ hostPath: '/a', containerPath: '/b' }] };

  test.each<[string, () => Promise<string>]>([
    ['another node image', () => keyOf({ cluster: { image: 'kindest/node:v2' } })],
    ['another image in it', () => keyOf({ images: ['postgres:16'] })],
    ['one image more', () => keyOf({ images: ['postgres:17-alpine', 'redis:8'] })],
    ['the files of its database', () => keyOf({ database: { image: 'postgres:17-alpine', user: 'app' } })],
    ['another kind', () => keyOf({}, { kind: '0.32.0' })],
    ['another platform', () => keyOf({ engine: { platform: 'linux/arm64' } })],
    ['another cgroup version', () => keyOf({ engine: { cgroupVersion: 1 } })],
    ['a configuration of the user’s', () => keyOf({ cluster: { config: { featureGates: { A: true } } } })],
    ['a mount', () => keyOf({ cluster: { config: { nodes: [mounted] } } })],
    [
      'the same name for another image',
      () => keyOf({}, { run: (args) => Promise.resolve(args.slice(4).join('-new\n')) }),
    ],
  ])('is another one with %s', async (_, other) => {
    expect(await keyOf()).toMatch(/^[0-9a-f]{16}$/);
    expect(await other()).not.toBe(await keyOf());
  });

  test('is the same whatever belongs to one container alone, and in whatever order things are named', async () => {
    const published = { ...kindNode, extraPortMappings: [{ containerPort: 80, hostPort: 8080 }] };
    const withPorts = { networking: { apiServerPort: 6000 }, nodes: [published] };
    expect(await keyOf({ cluster: { name: 'other', config: withPorts } })).toBe(
      await keyOf({ cluster: { config: { nodes: [kindNode], networking: {} } } }),
    );
    expect(await keyOf({ cluster: { config: { a: 1, b: 2 } } })).toBe(
      await keyOf({ cluster: { config: { b: 2, a: 1 } } }),
    );
  });

  test('is not known while an image is not in the engine', async () => {
    expect(await keyOf({}, { run: () => Promise.reject(new Error('No such image')) })).toBe('not known');
  });

  test('its original has none of the ports that would be taken', () => {
    const published = { ...kindNode, extraPortMappings: [{ containerPort: 80, hostPort: 8080 }] };
    const config = { networking: { apiServerPort: 6000, podSubnet: '10.1.0.0/16' }, nodes: [published] };
    const original = clusterToCapture({ ...cluster, config }, '0123456789abcdef');
    expect(original).toMatchObject({
      name: 'jk-snapshot-01234567',
      snapshot: false,
      config: { networking: { podSubnet: '10.1.0.0/16' }, nodes: [kindNode] },
    });
    expect(JSON.stringify(original)).not.toMatch(/8080|6000/);
    expect(config.nodes[0]?.extraPortMappings).toHaveLength(1);
  });
});

test.each<[string, Partial<ClusterConfig>, Partial<ContainerRuntime>]>([
  ['the engine is podman', {}, { name: 'podman' }],
  ['on another machine', {}, { host: 'builder' }],
  ['2 nodes', { nodes: resolveNodes(2, String) }, {}],
  ['ipFamily is dual', { config: { networking: { ipFamily: 'dual' } } }, {}],
  ['no network of kind’s own', { config: { networking: { disableDefaultCNI: true } } }, {}],
])('a cluster boots the ordinary way where %s', (words, ofCluster, ofEngine) => {
  const asked = { cluster: { ...cluster, ...ofCluster }, engine: { ...engine, ...ofEngine } };
  expect(withoutSnapshot(asked)).toContain(words);
  expect(withoutSnapshot({ cluster, engine })).toBeUndefined();
});

const day = 24 * 60 * 60 * 1000;
const now = Date.parse('2026-06-01T00:00:00Z');
const ago = (days: number): string => new Date(now - days * day).toISOString();

const snapshot = (key: string, changes: Partial<Snapshot> = {}): Snapshot => ({
  ...{ key, id: `sha256:${key}`, isProven: true, madeAt: ago(5), usedAt: ago(1), bytes: 2e9 },
  ...{ hostname: 'jk-snapshot-1-control-plane', args: [], content: { format } as Snapshot['content'] },
  ...changes,
});

test.each<[string, Snapshot[], string[]]>([
  ['three are kept', ['a', 'b', 'c'].map((key) => snapshot(key)), []],
  [
    'of four the one that was used the longest ago goes, however young it is',
    [
      snapshot('a', { usedAt: ago(3) }),
      snapshot('b', { usedAt: ago(9), madeAt: ago(10) }),
      snapshot('c'),
      snapshot('d'),
    ],
    ['b'],
  ],
  ['one of 31 days goes, even if it is used daily', [snapshot('a', { madeAt: ago(31) })], ['a']],
  ['one whose time cannot be read goes', [snapshot('a', { madeAt: 'yesterday' })], ['a']],
  ['one of another version of the package goes', [snapshot('')], ['']],
  [
    'one that is being made stays, and one that nobody makes any more goes',
    [
      snapshot('new', { isProven: false, madeAt: ago(0.001) }),
      snapshot('dead', { isProven: false, madeAt: ago(0.1) }),
    ],
    ['dead'],
  ],
])('of the snapshots %s', (_, all, gone) => {
  expect(superfluous(all, now).map(({ key }) => key)).toEqual(gone);
});

const used = (hours: number): Partial<Snapshot> => ({ usedAt: ago(hours / 24) });

test.each<[string, Snapshot[], boolean]>([
  ['where there is none', [], true],
  ['beside two in use', [snapshot('a', used(1)), snapshot('b', used(1))], true],
  ['beside three in use', [snapshot('a', used(1)), snapshot('b', used(1)), snapshot('c', used(3))], false],
  [
    'in the place of one that was not used for half a day',
    [snapshot('a', used(1)), snapshot('b', used(1)), snapshot('c', used(12))],
    true,
  ],
  [
    'in the place of one that is too old',
    [snapshot('a', used(1)), snapshot('b', used(1)), snapshot('c', { ...used(1), madeAt: ago(31) })],
    true,
  ],
])('there is place for one that nobody has asked for %s', (_, all, expected) => {
  expect(hasPlace(all, now)).toBe(expected);
});

describe('an engine’s snapshots', () => {
  const record = { key: 'abc', madeAt: new Date().toISOString(), hostname: 'h', args: ['--privileged'] };
  const content = { format } as Snapshot['content'];
  const label = (written: object): Record<string, string> => {
    const changes = commitChanges(written as Snapshot).join(' ');
    return { 'jest-kubernetes.snapshot': /snapshot="([^"]*)"/.exec(changes)?.[1] ?? '' };
  };
  const image = (tags: string[], labels: object): object => ({
    ...{ Id: 'sha256:1', Size: 5, RepoTags: tags, Config: { Labels: labels } },
    Metadata: { LastTagTime: '2026-05-01T00:00:00Z' },
  });
  const of = (inspected: object) => (args: readonly string[]) =>
    Promise.resolve(args[1] === 'ls' ? 'sha256:1\nsha256:1\n' : JSON.stringify([inspected]));
  const tag = 'jest-kubernetes/snapshot:abc';

  test('tell by a label what they hold, and by their tag that they are proven and when they were used', async () => {
    const all = await listSnapshots(of(image([tag], label({ ...record, content }))));
    expect(all).toMatchObject([{ ...record, isProven: true, usedAt: '2026-05-01T00:00:00Z', bytes: 5 }]);
    expect(await findSnapshot('abc', of(image([tag], label({ ...record, content }))))).toBeDefined();
  });

  test.each([
    ['without its tag', image([], label({ ...record, content }))],
    ['of another version', image([tag], label({ ...record, content: { format: 0 } }))],
    ['under another’s tag', image([tag], label({ ...record, key: 'other', content }))],
    ['too old', image([tag], label({ ...record, madeAt: ago(4000), content }))],
    ['with a label that is none', image([tag], { 'jest-kubernetes.snapshot': 'x' })],
    ['without a label', image([tag], {})],
  ])('are not used %s', async (_, inspected) => {
    expect(await findSnapshot('abc', of(inspected))).toBeUndefined();
  });
});

describe('the container of a clone', () => {
  const inspected = {
    Config: { Hostname: 'h', Env: ['A=1', 'EMPTY'], Volumes: { '/var': {} } },
    HostConfig: {
      Binds: ['/lib/modules:/lib/modules:ro', '/state/owner:/etc/jest-kubernetes/owner:ro'],
      ...{ NetworkMode: 'kind', CgroupnsMode: 'private', UsernsMode: '', Privileged: true, Init: false },
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 },
      SecurityOpt: ['seccomp=unconfined'],
      Tmpfs: { '/run': '', '/tmp': 'size=1g' },
      Sysctls: { 'net.ipv6.conf.all.disable_ipv6': '0' },
      Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse' }],
    },
  };

  test('is as kind has made the original, but for what each cluster mounts', () => {
    const args = argsLike(inspected, ['/etc/jest-kubernetes/owner']).join(' ');
    expect(args).toBe(
      '--env A=1 --env EMPTY --volume /var --volume /lib/modules:/lib/modules:ro --tmpfs /run --tmpfs /tmp:size=1g ' +
        '--security-opt seccomp=unconfined --sysctl net.ipv6.conf.all.disable_ipv6=0 --device /dev/fuse:/dev/fuse ' +
        '--network kind --restart on-failure:1 --cgroupns private --privileged --init=false',
    );
  });

  test('has kind’s labels and name, the cluster’s own ports and mounts, and the original’s host name', async () => {
    const config = {
      networking: { apiServerAddress: '127.0.0.1' },
      nodes: [
        {
          extraMounts: [
            { hostPath: '/a', containerPath: '/b', readOnly: true, propagation: 'HostToContainer' },
          ],
          extraPortMappings: [
            { listenAddress: '127.0.0.1', containerPort: 80, hostPort: 8080, protocol: 'UDP' },
            { containerPort: 81, hostPort: -1 },
          ],
        },
      ],
    };
    const all = await cloneArgs({ name: 'shop', hostname: 'h', args: ['--privileged'], config, image: 'i' });
    const text = all.join(' ');
    expect(text).toContain('--label io.x-k8s.kind.cluster=shop --label io.x-k8s.kind.role=control-plane');
    expect(text).toContain('--name shop-control-plane --hostname h --privileged --volume /a:/b:ro,rslave');
    expect(text).toMatch(/--publish 127\.0\.0\.1:[1-9]\d+:6443\/tcp /);
    expect(text).toContain('--publish 127.0.0.1:8080:80/udp --publish 0.0.0.0::81/tcp');
    expect(all.at(-1)).toBe('i');
  });
});

test.each<[string, string, boolean]>([
  ['docker.io/library/postgres:17-alpine', 'postgres:17-alpine', true],
  ['docker.io/library/busybox:latest', 'busybox', true],
  ['registry.example:5000/shop/api:latest', 'registry.example:5000/shop/api', true],
  ['docker.io/library/redis@sha256:abc', 'redis@sha256:abc', true],
  ['docker.io/library/postgres:17-alpine', 'postgres:16-alpine', false],
  ['docker.io/library/busybox:1.36', 'busybox', false],
])('%s in a node is the image %s: %s', (name, reference, expected) => {
  expect(isNamed(name, reference)).toBe(expected);
});
