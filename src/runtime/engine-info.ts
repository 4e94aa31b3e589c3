import { cgroupVersion, type DriverStatus, isContainerd } from './docker-api.js';
import type { ContainerRuntime } from './runtime.js';

type Said = Omit<ContainerRuntime, 'name' | 'command' | 'env' | 'host'>;

/** What `docker info` and `nerdctl info` say, in the same words. */
function readDockerInfo(text: string): Said {
  const info = JSON.parse(text) as Partial<Record<'ID' | 'DockerRootDir', string>> &
    Record<'ServerVersion' | 'OSType' | 'Architecture', string> &
    Record<'NCPU' | 'MemTotal', number> & {
      CgroupVersion?: string;
      DriverStatus?: DriverStatus;
    };
  const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };
  return {
    id: info.ID || undefined,
    version: info.ServerVersion,
    platform: `${info.OSType}/${architectures[info.Architecture] ?? info.Architecture}`,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    cgroupVersion: cgroupVersion(info.CgroupVersion),
    dataRoot: info.DockerRootDir || undefined,
    keepsLayersPacked: isContainerd(info.DriverStatus),
  };
}

/** Podman has no id: where it keeps its containers, and on which machine, tells one from another. */
function readPodmanInfo(text: string): Said {
  const { version, host, store } = JSON.parse(text) as {
    version: { Version: string };
    host: {
      os: string;
      arch: string;
      cpus: number;
      memTotal: number;
      cgroupVersion?: string;
      hostname?: string;
    };
    store?: { graphRoot?: string };
  };
  return {
    id: store?.graphRoot === undefined ? undefined : `${host.hostname ?? ''}:${store.graphRoot}`,
    version: version.Version,
    platform: `${host.os}/${host.arch}`,
    cpus: host.cpus,
    memoryBytes: host.memTotal,
    cgroupVersion: cgroupVersion(host.cgroupVersion),
    dataRoot: store?.graphRoot,
  };
}

const asJson = '{{json .}}';

/** How each engine's command is asked who its engine is, and how its answer is read. */
export const engineInfo: Readonly<
  Record<ContainerRuntime['name'], { args: readonly string[]; read: (text: string) => Said }>
> = {
  docker: { args: ['info', '--format', asJson], read: readDockerInfo },
  nerdctl: {
    args: ['info', '--format', asJson],
    read: (text) => ({ ...readDockerInfo(text), keepsLayersPacked: true }),
  },
  podman: { args: ['info', '--format', 'json'], read: readPodmanInfo },
};
