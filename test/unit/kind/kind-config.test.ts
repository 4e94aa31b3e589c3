import { parse } from 'yaml';

import { kindConfig, refuseUnreachable } from '../../../src/cluster/kind/kind-config.js';
import { resolveNodes } from '../../../src/config/resolve-nodes.js';

const nodesOf = (given: Parameters<typeof resolveNodes>[0]) => resolveNodes(given, (path) => `/shop/${path}`);
const mark = { hostPath: '/state/shop/owner', containerPath: '/etc/jest-kubernetes/owner', readOnly: true };

test("without a configuration of the user: as many nodes as asked for, each with its owner's mark", () => {
  const { nodes, networking } = kindConfig(
    { config: undefined, nodes: nodesOf(3) },
    { directory: '/state/shop' },
  );
  expect(nodes.map(({ role }) => role)).toEqual(['control-plane', 'worker', 'worker']);
  for (const node of nodes) expect(node.extraMounts).toEqual([mark]);
  expect(networking).toEqual({ apiServerAddress: '127.0.0.1' });
});

test('ports are published by the first control plane, on 127.0.0.1 alone', () => {
  const config = { nodes: [{ role: 'worker' }, {}, { role: 'control-plane' }] };
  const { nodes } = kindConfig(
    { config, nodes: nodesOf(1) },
    { directory: '/state/shop', hostPorts: [{ containerPort: 25432, hostPort: 0 }] },
  );
  expect(nodes.map(({ extraPortMappings }) => extraPortMappings)).toEqual([
    undefined,
    [{ listenAddress: '127.0.0.1', containerPort: 25432, hostPort: 0, protocol: 'TCP' }],
    undefined,
  ]);
});

test("a user's configuration stays as it is, with what is ours added", () => {
  const config = {
    kind: 'Cluster',
    featureGates: { SomeGate: true },
    networking: { podSubnet: '10.1.0.0/16' },
    nodes: [
      {
        role: 'control-plane',
        extraMounts: [{ hostPath: '/a', containerPath: '/b' }],
        extraPortMappings: [
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 81, hostPort: 8081, listenAddress: '0.0.0.0' },
        ],
      },
    ],
  };
  const before = structuredClone(config);
  expect(kindConfig({ config, nodes: nodesOf(1) }, { directory: '/state/shop' })).toMatchObject({
    featureGates: { SomeGate: true },
    networking: { podSubnet: '10.1.0.0/16', apiServerAddress: '127.0.0.1' },
    nodes: [
      {
        extraMounts: [{ hostPath: '/a', containerPath: '/b' }, mark],
        extraPortMappings: [
          { containerPort: 80, listenAddress: '127.0.0.1' },
          { containerPort: 81, listenAddress: '0.0.0.0' },
        ],
      },
    ],
  });
  expect(config).toEqual(before);
});

test("a user's own kubeadm patches come after ours, so that they win", () => {
  const config = { kubeadmConfigPatches: ['kind: KubeletConfiguration\nnodeStatusUpdateFrequency: 5s'] };
  const { kubeadmConfigPatches } = kindConfig({ config, nodes: nodesOf(1) }, { directory: '/state/shop' });
  expect(kubeadmConfigPatches).toEqual([
    expect.stringContaining('nodeStatusUpdateFrequency: 1s'),
    expect.stringContaining('kube-api-qps: "200"'),
    config.kubeadmConfigPatches[0],
  ]);
});

test.each([
  [1, false],
  [2, undefined],
  [undefined, undefined],
] as const)('on an engine with cgroup %s, failCgroupV1 is %s', (cgroupVersion, expected) => {
  const cluster = { config: undefined, nodes: nodesOf(1) };
  const { kubeadmConfigPatches } = kindConfig(cluster, { directory: '/state/shop', cgroupVersion });
  const [patch = ''] = kubeadmConfigPatches as string[];
  expect((parse(patch) as { failCgroupV1?: boolean }).failCgroupV1).toBe(expected);
});

describe('nodes of their own', () => {
  const nodes = nodesOf([
    { labels: { tier: 'front' } },
    {
      labels: { disk: 'fast' },
      taints: ['dedicated=search:NoSchedule', { key: 'drained', effect: 'NoExecute' }],
      mounts: [{ hostPath: 'fixtures', containerPath: '/fixtures', readOnly: true }],
    },
    { role: 'control-plane', taints: ['spare:PreferNoSchedule'] },
  ]);
  const made = kindConfig({ config: undefined, nodes }, { directory: '/state/shop' }).nodes;
  const patched = (node: (typeof made)[number] | undefined): unknown[] =>
    (node?.kubeadmConfigPatches ?? []).map((patch) => parse(patch) as unknown);

  test('have their roles: the first is the control plane where nothing is said', () => {
    expect(made.map(({ role }) => role)).toEqual(['control-plane', 'worker', 'control-plane']);
  });

  test('have their labels', () => {
    expect(made.map(({ labels }) => labels)).toEqual([{ tier: 'front' }, { disk: 'fast' }, undefined]);
  });

  test("have their taints, beside a control plane's own, which kind takes off a single node", () => {
    const registration = (taints: object[]): object[] =>
      ['InitConfiguration', 'JoinConfiguration'].map((kind) => ({ kind, nodeRegistration: { taints } }));
    expect(made.map(patched)).toEqual([
      [],
      registration([
        { key: 'dedicated', value: 'search', effect: 'NoSchedule' },
        { key: 'drained', value: '', effect: 'NoExecute' },
      ]),
      registration([
        { key: 'node-role.kubernetes.io/control-plane', value: '', effect: 'NoSchedule' },
        { key: 'spare', value: '', effect: 'PreferNoSchedule' },
      ]),
    ]);
  });

  test('have their mounts, and the mark', () => {
    expect(made.map(({ extraMounts }) => extraMounts)).toEqual([
      [mark],
      [{ hostPath: '/shop/fixtures', containerPath: '/fixtures', readOnly: true }, mark],
      [mark],
    ]);
  });
});

describe('on an engine of another machine', () => {
  const remote = { directory: '/state/shop', host: 'docker' };
  const naming = (host: string): object => ({
    ...{ group: '', version: '', kind: 'ClusterConfiguration' },
    patch: expect.stringContaining(`value: ${host}`) as string,
  });

  test('what is published is bound where it is reached, and the engine finds the ports', () => {
    const config = kindConfig(
      { config: undefined, nodes: nodesOf(1) },
      { ...remote, hostPorts: [{ containerPort: 25432, hostPort: 0 }] },
    );
    expect(config['networking']).toEqual({ apiServerAddress: '0.0.0.0', apiServerPort: -1 });
    expect(config.nodes[0]?.extraPortMappings).toEqual([
      { listenAddress: '0.0.0.0', containerPort: 25432, hostPort: -1, protocol: 'TCP' },
    ]);
  });

  test('a port that is asked for is that one', () => {
    const { nodes } = kindConfig(
      { config: undefined, nodes: nodesOf(1) },
      { ...remote, hostPorts: [{ containerPort: 25432, hostPort: 5433 }] },
    );
    expect(nodes[0]?.extraPortMappings).toEqual([expect.objectContaining({ hostPort: 5433 })]);
  });

  test("the API server's certificate names it, after a user's own patches", () => {
    const own = { group: 'kubeadm.k8s.io', version: 'v1beta4', kind: 'ClusterConfiguration', patch: '[]' };
    const config = { kubeadmConfigPatchesJSON6902: [own] };
    const made = kindConfig({ config, nodes: nodesOf(1) }, remote);
    expect(made['kubeadmConfigPatchesJSON6902']).toEqual([own, naming('docker')]);
  });

  test('an address of its own stays, and needs no other name', () => {
    const networking = { apiServerAddress: '10.0.0.5', apiServerPort: 6443 };
    const made = kindConfig({ config: { networking }, nodes: nodesOf(1) }, remote);
    expect(made['networking']).toEqual(networking);
    expect(made).not.toHaveProperty('kubeadmConfigPatchesJSON6902');
  });

  test('an API server that would listen to its own machine alone is refused', () => {
    const config = { networking: { apiServerAddress: '127.0.0.1' } };
    const engine = { host: 'docker', env: { DOCKER_HOST: 'tcp://docker:2375' } };
    expect(() => {
      refuseUnreachable({ config }, engine);
    }).toThrow("binds the API server to 127.0.0.1, which is reached on the engine's machine alone");
    refuseUnreachable({ config }, { ...engine, host: '127.0.0.1' });
    refuseUnreachable({ config: { networking: { apiServerAddress: '10.0.0.5' } } }, engine);
    refuseUnreachable({ config: undefined }, engine);
  });

  test('bound to every address of this machine, it is named as it is reached: 127.0.0.1', () => {
    const config = { networking: { apiServerAddress: '0.0.0.0' } };
    const made = kindConfig({ config, nodes: nodesOf(1) }, { directory: '/state/shop' });
    expect(made['kubeadmConfigPatchesJSON6902']).toEqual([naming('127.0.0.1')]);
  });
});
