import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';

import type { DockerAddress } from './docker-addresses.js';
import { socketOf } from './engine-host.js';

/** What `GET /version` and `GET /info` tell that this project needs. */
export interface DockerEngine {
  /** The engine's own; undefined where it has none. */
  id: string | undefined;
  version: string;
  platform: string;
  cpus: number;
  memoryBytes: number;
  cgroupVersion: 1 | 2 | undefined;
  dataRoot: string | undefined;
  keepsLayersPacked: boolean;
  /** Podman answers Docker's API too. */
  isPodman: boolean;
}

/** How long an engine may take to say its version, in milliseconds: it takes it some ten. */
const answerLimit = 5000;

/** Asks an engine who it is. @throws the socket's own error (`code`), or an Error that says what it answered */
export async function askDocker(address: DockerAddress, signal?: AbortSignal): Promise<DockerEngine> {
  const version = await get<{ Version: string; Os: string; Arch: string; Components?: { Name: string }[] }>(
    address,
    '/version',
    answerLimit,
    signal,
  );
  // it counts containers and images, which takes a while on a busy machine
  const info = await get<{
    ID?: string;
    NCPU: number;
    MemTotal: number;
    CgroupVersion?: string;
    DockerRootDir?: string;
    DriverStatus?: DriverStatus;
  }>(address, '/info', 6 * answerLimit, signal);
  return {
    id: info.ID || undefined,
    version: version.Version,
    platform: `${version.Os}/${version.Arch}`,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    cgroupVersion: cgroupVersion(info.CgroupVersion),
    dataRoot: info.DockerRootDir || undefined,
    keepsLayersPacked: isContainerd(info.DriverStatus),
    isPodman: version.Components?.some(({ Name }) => Name === 'Podman Engine') ?? false,
  };
}

/** `2` as Docker and nerdctl say it, `v2` as Podman does. */
export function cgroupVersion(said: string | undefined): 1 | 2 | undefined {
  return ([1, 2] as const).find((version) => said?.replace(/^v/, '') === String(version));
}

/** What an engine says of where it keeps images: pairs of a name and a value. */
export type DriverStatus = readonly (readonly string[])[] | null;

/** Whether Docker keeps its images in a containerd, as its releases from 29 on do by themselves. */
export const isContainerd = (status: DriverStatus | undefined): boolean =>
  status?.flat().includes('io.containerd.snapshotter.v1') ?? false;

function get<T>(address: DockerAddress, resource: string, limit: number, signal?: AbortSignal): Promise<T> {
  const { protocol, hostname, port } = new URL(address.host);
  const secure = address.certificates !== undefined || protocol === 'https:';
  const socketPath = socketOf(address.host);
  const target =
    socketPath === undefined ? { hostname, port: port || (secure ? 2376 : 2375) } : { socketPath };
  const options = { ...target, ...certificatesIn(address.certificates), path: resource, agent: false };
  return new Promise<T>((resolve, reject) => {
    const late = AbortSignal.timeout(limit);
    const bound = signal === undefined ? late : AbortSignal.any([signal, late]);
    const request = (secure ? https : http).get({ ...options, signal: bound }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', fail);
      response.on('end', () => {
        if (response.statusCode !== 200) {
          reject(new Error(`it answered ${response.statusCode ?? 0}: ${body.trim().slice(0, 200)}`));
          return;
        }
        try {
          resolve(JSON.parse(body) as T);
        } catch (error) {
          reject(
            new Error(`its answer is not that of a Docker engine: ${body.trim().slice(0, 80)}`, {
              cause: error,
            }),
          );
        }
      });
    });
    request.on('error', fail);
    function fail(error: Error): void {
      if (signal?.aborted) reject(signal.reason as Error);
      else if (late.aborted) reject(new Error(`no answer to GET ${resource} within ${limit / 1000} s`));
      else reject(error);
    }
  });
}

function certificatesIn(folder: string | undefined): https.RequestOptions {
  if (folder === undefined) return {};
  const read = (name: string) => readFileSync(path.join(folder, name));
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
