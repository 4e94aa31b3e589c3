import {
  apiContainer,
  clusterContainers,
  firstControlPlane,
  machines,
  reachedAt,
} from '../../../src/cluster/kind/node-containers.js';

/** As `docker inspect` tells of a container that kind made. */
const container = (name: string, role: string, port?: number): object => ({
  Id: name,
  Name: `/${name}`,
  Created: '2026-01-01T00:00:00Z',
  State: { Status: 'running' },
  Config: { Labels: { 'io.x-k8s.kind.cluster': 'shop', 'io.x-k8s.kind.role': role } },
  HostConfig: { Binds: null },
  NetworkSettings: {
    Ports: port === undefined ? {} : { '6443/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
  },
});

/** The engine lists them in any order. */
const listed = (...containers: object[]) =>
  clusterContainers(
    ([command]) => Promise.resolve(command === 'ps' ? 'some\nids' : JSON.stringify(containers)),
    'shop',
  );

test('nodes are told by their label, whatever the engine lists first', async () => {
  const containers = await listed(
    container('shop-worker', 'worker'),
    container('shop-control-plane', 'control-plane', 4000),
    container('shop-worker2', 'worker'),
  );
  expect(machines(containers)).toEqual([
    { name: 'shop-control-plane', hostname: 'shop-control-plane', role: 'control-plane' },
    { name: 'shop-worker', hostname: 'shop-worker', role: 'worker' },
    { name: 'shop-worker2', hostname: 'shop-worker2', role: 'worker' },
  ]);
  expect(firstControlPlane(containers)?.name).toBe('shop-control-plane');
  expect(apiContainer(containers)?.ports).toEqual({ '6443/tcp': { address: '127.0.0.1', port: 4000 } });
});

describe('several control planes', () => {
  const three = [
    container('shop-control-plane10', 'control-plane', 4010),
    container('shop-control-plane2', 'control-plane', 4002),
    container('shop-control-plane', 'control-plane', 4001),
  ];

  test('are reached through their balancer alone, which is no machine', async () => {
    const containers = await listed(
      ...three,
      container('shop-external-load-balancer', 'external-load-balancer', 5000),
    );
    expect(apiContainer(containers)?.ports).toEqual({ '6443/tcp': { address: '127.0.0.1', port: 5000 } });
    expect(machines(containers).map(({ name }) => name)).toEqual([
      'shop-control-plane',
      'shop-control-plane2',
      'shop-control-plane10',
    ]);
  });

  test('which is waited for while it is not there', async () => {
    expect(apiContainer(await listed(...three))).toBeUndefined();
  });
});

test('a container that says nothing of its role is no machine', async () => {
  expect(machines(await listed(container('shop-registry', 'something')))).toEqual([]);
});

test('a port is reached where it is bound, and at the engine where that is every address', () => {
  const remote = { host: 'docker' };
  expect(reachedAt({ address: '192.168.1.5', port: 1 }, remote)).toEqual({ host: '192.168.1.5', port: 1 });
  expect(reachedAt({ address: '', port: 2 }, remote)).toEqual({ host: 'docker', port: 2 });
});

test.each(['', '0.0.0.0', '::'])('bound to "%s" is bound to every address', async (HostIp) => {
  const published = { '6443/tcp': [{ HostIp, HostPort: '4000' }] };
  const [found] = await listed({
    ...container('shop-control-plane', 'control-plane'),
    NetworkSettings: { Ports: published },
  });
  expect(found?.ports).toEqual({ '6443/tcp': { address: '', port: 4000 } });
});

test("the owner's mark is read where nerdctl tells of mounts alone, as before 2.1", async () => {
  const { HostConfig, ...told } = container('shop-control-plane', 'control-plane') as { HostConfig?: object };
  expect(HostConfig).toBeDefined();
  const Mounts = [{ Type: 'bind', Source: '/state/owner', Destination: '/etc/jest-kubernetes/owner' }];
  const [found] = await listed({ ...told, Mounts });
  expect(found?.mark).toBe('/state/owner');
});
