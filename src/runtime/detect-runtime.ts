import { execa } from 'execa';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import { type DockerAddress, dockerAddresses, hostOfDockerCli } from './docker-addresses.js';
import { askDocker, cgroupVersion } from './docker-api.js';
import { findOnPath } from './find-on-path.js';
import type { ContainerRuntime } from './runtime.js';

export interface DetectOptions {
  /** The one to use; undefined is Docker, or where there is none Podman, or nerdctl. */
  preferred?: ContainerRuntime['name'] | undefined;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

const installDocker = 'Install Docker (https://docs.docker.com/engine/install/) and start it';
const useAnother = 'or set JEST_KUBERNETES_RUNTIME=podman (or nerdctl) to use another engine';

/**
 * Finds the container engine that testcontainers would find, and asks it who it is.
 * Costs some 10 ms: testcontainers itself, which takes half a second to load, is not needed for it.
 * @throws JestKubernetesError RUNTIME_MISSING, RUNTIME_NOT_ANSWERING, RUNTIME_PERMISSION, RUNTIME_CLI_MISSING
 */
export async function detectRuntime(options: DetectOptions = {}): Promise<ContainerRuntime> {
  const { preferred, env = process.env, signal } = options;
  if (preferred === 'podman' || preferred === 'nerdctl') return detectByCli(preferred, env, signal);
  try {
    return await detectDocker(env, signal);
  } catch (error) {
    const absent = error instanceof JestKubernetesError && error.code === 'RUNTIME_MISSING';
    const other = (['podman', 'nerdctl'] as const).find((name) => findOnPath(name, env) !== undefined);
    if (preferred === 'docker' || !absent || other === undefined) throw error;
    return await detectByCli(other, env, signal);
  }
}

interface Attempt {
  address: DockerAddress;
  code: string | undefined;
  error: unknown;
}

async function detectDocker(
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<ContainerRuntime> {
  const command = findOnPath('docker', env);
  const attempts: Attempt[] = [];
  for (const address of dockerAddresses(env)) {
    try {
      const { isPodman, ...engine } = await askDocker(address, signal);
      if (isPodman) return await detectByCli('podman', env, signal);
      if (command === undefined) throw cliMissing(address, engine.version);
      return { name: 'docker', command, env: environmentFor(address, env), ...engine };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof JestKubernetesError) throw error;
      attempts.push({ address, code: (error as NodeJS.ErrnoException).code, error });
    }
  }
  throw dockerError(command, attempts);
}

/** What makes the docker CLI, and kind, use that engine, where they would choose another by themselves. */
function environmentFor(address: DockerAddress, env: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...(address.host === hostOfDockerCli(env) ? {} : { DOCKER_HOST: address.host }),
    ...(address.certificates === undefined
      ? {}
      : { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: address.certificates }),
  };
}

function cliMissing(address: DockerAddress, version: string): JestKubernetesError {
  return new JestKubernetesError(
    'RUNTIME_CLI_MISSING',
    'The docker command is not on PATH, and kind works with it',
    {
      evidence: [`Docker ${version} itself answers at ${address.host} (${address.source})`],
      remedy: 'Install the Docker CLI (package docker-ce-cli or docker-cli), or add its folder to PATH.',
    },
  );
}

function dockerError(command: string | undefined, attempts: readonly Attempt[]): JestKubernetesError {
  const evidence = attempts.map(
    ({ address, error }) => `${address.host} (${address.source}): ${messageOf(error)}`,
  );
  const cause = attempts[0]?.error;

  const denied = attempts.find(({ code }) => code === 'EACCES' || code === 'EPERM');
  if (denied !== undefined) {
    const socket = denied.address.host.replace('unix://', '');
    return new JestKubernetesError('RUNTIME_PERMISSION', `No permission to use Docker's socket ${socket}`, {
      evidence,
      remedy:
        'Add yourself to its group and log in again: sudo usermod -aG docker "$USER" (newgrp docker for this shell).',
      cause,
    });
  }

  const absent = attempts.every(({ code, address }) => code === 'ENOENT' && !address.named);
  if (absent && command === undefined) {
    return new JestKubernetesError(
      'RUNTIME_MISSING',
      'Docker was not found: a cluster runs in its containers',
      {
        evidence: ['no docker command on PATH', ...evidence],
        remedy: `${installDocker}, ${useAnother}.`,
        cause,
      },
    );
  }

  const named = attempts.find(({ address }) => address.named)?.address;
  return new JestKubernetesError(
    'RUNTIME_NOT_ANSWERING',
    'Docker is installed, but its engine does not answer',
    {
      evidence: [...(command === undefined ? [] : [`the docker command is ${command}`]), ...evidence],
      remedy:
        named === undefined
          ? `Start it (sudo systemctl start docker, or Docker Desktop) and see that docker info works, ${useAnother}.`
          : `See that ${named.source} names the right engine and that docker info works, or unset it.`,
      cause,
    },
  );
}

const byCli = {
  podman: {
    parse: (text: string) => {
      const { version, host } = JSON.parse(text) as {
        version: { Version: string };
        host: { os: string; arch: string; cpus: number; memTotal: number; cgroupVersion?: string };
      };
      return {
        version: version.Version,
        platform: `${host.os}/${host.arch}`,
        cpus: host.cpus,
        memoryBytes: host.memTotal,
        cgroupVersion: cgroupVersion(host.cgroupVersion),
      };
    },
    format: 'json',
  },
  nerdctl: {
    parse: (text: string) => {
      const info = JSON.parse(text) as Record<'ServerVersion' | 'OSType' | 'Architecture', string> &
        Record<'NCPU' | 'MemTotal', number> & { CgroupVersion?: string };
      const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };
      return {
        version: info.ServerVersion,
        platform: `${info.OSType}/${architectures[info.Architecture] ?? info.Architecture}`,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
        cgroupVersion: cgroupVersion(info.CgroupVersion),
      };
    },
    format: '{{json .}}',
  },
} as const;

/** Podman and nerdctl have no socket that one can count on: their command is asked. */
async function detectByCli(
  name: keyof typeof byCli,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<ContainerRuntime> {
  const command = findOnPath(name, env);
  if (command === undefined) {
    throw new JestKubernetesError('RUNTIME_MISSING', `The command ${name} is not on PATH`, {
      remedy: `Install ${name}, or unset JEST_KUBERNETES_RUNTIME to use Docker.`,
    });
  }
  const { parse, format } = byCli[name];
  try {
    const { stdout } = await execa(command, ['info', '--format', format], {
      env,
      extendEnv: false,
      timeout: 10_000,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    return { name, command, env: { KIND_EXPERIMENTAL_PROVIDER: name }, ...parse(stdout) };
  } catch (error) {
    signal?.throwIfAborted();
    throw new JestKubernetesError('RUNTIME_NOT_ANSWERING', `${name} is installed, but does not answer`, {
      evidence: messageOf(error).split('\n').slice(0, 5),
      remedy: `See that \`${name} info\` works.`,
      cause: error,
    });
  }
}
