import { createServer } from 'node:net';
import path from 'node:path';

import type { KindNode } from '../kind-config.js';

/** As `docker inspect` tells of it: what kind has asked for. */
export interface InspectedNode {
  Config: { Hostname: string; Env?: string[] | null; Volumes?: Record<string, unknown> | null };
  HostConfig: {
    Binds?: string[] | null;
    NetworkMode?: string;
    RestartPolicy?: { Name: string; MaximumRetryCount?: number };
    CgroupnsMode?: string;
    Privileged?: boolean;
    SecurityOpt?: string[] | null;
    Tmpfs?: Record<string, string> | null;
    UsernsMode?: string;
    Init?: boolean | null;
    Sysctls?: Record<string, string> | null;
    Devices?: { PathOnHost: string; PathInContainer: string }[] | null;
  };
}

const each = (option: string, values: readonly string[] | null | undefined): string[] =>
  (values ?? []).flatMap((value) => [option, value]);
const given = (option: string, value: string | undefined): string[] => (value ? [option, value] : []);

/**
 * What `docker run` is to be told so that a container is as kind made this one.
 * @param mounted - paths in the container that its cluster's configuration mounts, which each cluster does anew
 */
export function argsLike(
  { Config, HostConfig }: InspectedNode,
  mounted: readonly (string | undefined)[],
): string[] {
  const { Name: restart = '', MaximumRetryCount: retries = 0 } = HostConfig.RestartPolicy ?? {};
  const binds = HostConfig.Binds?.filter((bind) => !mounted.includes(bind.split(':')[1]));
  return [
    ...each('--env', Config.Env),
    ...each('--volume', Object.keys(Config.Volumes ?? {})),
    ...each('--volume', binds),
    ...each(
      '--tmpfs',
      Object.entries(HostConfig.Tmpfs ?? {}).map(([target, options]) =>
        options ? `${target}:${options}` : target,
      ),
    ),
    ...each('--security-opt', HostConfig.SecurityOpt),
    ...each(
      '--sysctl',
      Object.entries(HostConfig.Sysctls ?? {}).map(([name, value]) => `${name}=${value}`),
    ),
    ...each(
      '--device',
      HostConfig.Devices?.map((device) => `${device.PathOnHost}:${device.PathInContainer}`),
    ),
    ...given('--network', HostConfig.NetworkMode),
    ...given('--restart', restart === 'on-failure' && retries > 0 ? `${restart}:${retries}` : restart),
    ...given('--cgroupns', HostConfig.CgroupnsMode),
    ...given('--userns', HostConfig.UsernsMode),
    ...(HostConfig.Privileged === true ? ['--privileged'] : []),
    `--init=${HostConfig.Init === true}`,
  ];
}

interface PortMapping {
  containerPort: number;
  /** As kind reads it: 0 is a free one of this machine, -1 one that the engine chooses each time it starts. */
  hostPort?: number;
  listenAddress?: string;
  protocol?: string;
}

interface Mount {
  hostPath: string;
  containerPath: string;
  readOnly?: boolean;
  selinuxRelabel?: boolean;
  propagation?: string;
}

const propagations: Readonly<Record<string, string>> = {
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
};

function mountOf({ hostPath, containerPath, readOnly, selinuxRelabel, propagation = '' }: Mount): string {
  const options = [
    ...(readOnly === true ? ['ro'] : []),
    ...(selinuxRelabel === true ? ['Z'] : []),
    ...(propagations[propagation] === undefined ? [] : [propagations[propagation]]),
  ];
  return [path.resolve(hostPath), containerPath, ...(options.length > 0 ? [options.join(',')] : [])].join(
    ':',
  );
}

async function publishing({
  containerPort,
  hostPort = 0,
  listenAddress = '0.0.0.0',
  protocol = 'TCP',
}: PortMapping): Promise<string> {
  // one that is the same after a restart of the engine, as kind's is
  const port = hostPort === 0 ? await freePort(listenAddress) : hostPort === -1 ? '' : hostPort;
  const host = listenAddress.includes(':') ? `[${listenAddress}]` : listenAddress;
  return `${host}:${port}:${containerPort}/${protocol.toLowerCase()}`;
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.on('error', reject);
  server.listen({ host, port: 0, exclusive: true }, () => {
    const address = server.address();
    server.close(() => {
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return promise;
}

export interface CloneOptions {
  /** The cluster's. */
  name: string;
  hostname: string;
  /** What `docker run` is told for any clone of the snapshot. */
  args: readonly string[];
  /** kind's configuration for this cluster. */
  config: Readonly<Record<string, unknown>> & { nodes: readonly KindNode[] };
  image: string;
}

/** What `docker` is told for a cluster's one node, with kind's own labels, so that kind knows it. */
export async function cloneArgs({ name, hostname, args, config, image }: CloneOptions): Promise<string[]> {
  const { apiServerAddress = '127.0.0.1', apiServerPort = 0 } = config['networking'] as {
    apiServerAddress?: string;
    apiServerPort?: number;
  };
  const [node] = config.nodes;
  const ports = [
    { containerPort: 6443, hostPort: apiServerPort, listenAddress: apiServerAddress },
    ...((node?.extraPortMappings ?? []) as PortMapping[]),
  ];
  return [
    ...['run', '--detach', '--tty', '--pull', 'never'],
    ...['--label', `io.x-k8s.kind.cluster=${name}`, '--label', 'io.x-k8s.kind.role=control-plane'],
    ...['--name', `${name}-control-plane`, '--hostname', hostname],
    ...args,
    ...each('--volume', ((node?.extraMounts ?? []) as Mount[]).map(mountOf)),
    ...each('--publish', await Promise.all(ports.map(publishing))),
    image,
  ];
}
