import { execa } from 'execa';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import { type DockerAddress, dockerAddresses } from './docker-addresses.js';
import { askDocker } from './docker-api.js';
import { hostOf } from './engine-host.js';
import { engineInfo } from './engine-info.js';
import { findOnPath } from './find-on-path.js';
import type { ContainerRuntime, EngineEnvironment } from './runtime.js';

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
 * @throws JestKubernetesError RUNTIME_MISSING, RUNTIME_NOT_ANSWERING, RUNTIME_PERMISSION, RUNTIME_CLI_MISSING,
 * RUNTIME_UNSUPPORTED
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
      refuseUnusable(address.host, address.source);
      const { isPodman, ...engine } = await askDocker(address, signal);
      if (isPodman) return await detectByCli('podman', env, signal);
      if (command === undefined) throw cliMissing(address, engine.version);
      return {
        name: 'docker',
        command,
        env: environmentFor(address),
        host: hostOf(address.host),
        ...engine,
      };
    } catch (error) {
      signal?.throwIfAborted();
      const unusable = error instanceof JestKubernetesError && error.code === 'RUNTIME_UNSUPPORTED';
      // the context's address comes last, and may be unusable where nothing else is there
      if (error instanceof JestKubernetesError && !(unusable && !address.named)) throw error;
      attempts.push({ address, code: (error as NodeJS.ErrnoException).code, error });
    }
  }
  const named = attempts.some(({ address }) => address.named);
  if (!named && command !== undefined && (await isPodmanCommand(command, env, signal)))
    return detectByCli('podman', env, signal);
  throw dockerError(command, attempts);
}

/**
 * What makes the docker CLI, and kind, use that engine under any other environment. DOCKER_HOST alone would leave it to
 * the user's shell whether TLS is spoken, and KIND_EXPERIMENTAL_PROVIDER to it which engine kind takes.
 */
function environmentFor({ host, certificates }: DockerAddress): EngineEnvironment {
  return {
    KIND_EXPERIMENTAL_PROVIDER: 'docker',
    DOCKER_HOST: host,
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS: undefined,
    DOCKER_TLS_VERIFY: certificates === undefined ? undefined : '1',
    DOCKER_CERT_PATH: certificates,
  };
}

/** Addresses that a client understands and that no cluster can be used through, with the reason. */
const unusable: Readonly<Record<string, string>> = {
  'ssh:':
    'the ports that it publishes are on that machine, and are not forwarded; testcontainers does not speak it',
  'npipe:': 'it is a Windows pipe, and jest-kubernetes runs in WSL 2 there',
  'fd:': 'it is for the engine itself to listen at',
};

/** @throws JestKubernetesError RUNTIME_UNSUPPORTED */
function refuseUnusable(address: string, source: string): void {
  const { protocol } = new URL(address);
  const reason = unusable[protocol];
  if (reason === undefined && ['unix:', 'tcp:', 'http:', 'https:'].includes(protocol)) return;
  throw new JestKubernetesError(
    'RUNTIME_UNSUPPORTED',
    `A cluster cannot be used through an engine at ${protocol}//`,
    {
      evidence: [`${source} names ${address}`, ...(reason === undefined ? [] : [reason])],
      remedy:
        'Use an engine of this machine (DOCKER_HOST=unix:///var/run/docker.sock), or one that listens at tcp:// ' +
        '(DOCKER_HOST=tcp://HOST:2376 with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH).',
    },
  );
}

/** Whether the docker command is Podman's (the package podman-docker), which needs no socket: it says so itself. */
async function isPodmanCommand(
  command: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { stdout } = await execa(command, ['--version'], {
    env,
    extendEnv: false,
    reject: false,
    timeout: 10_000,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  return /^podman\b/i.test(stdout);
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
  const refused = attempts.find(({ error }) => error instanceof JestKubernetesError);
  if (refused !== undefined) throw refused.error;
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

/** What names another engine than the ordinary one to each command. */
const reachedBy = {
  podman: ['CONTAINER_HOST', 'CONTAINER_CONNECTION', 'CONTAINER_SSHKEY', 'CONTAINERS_STORAGE_CONF'],
  nerdctl: ['CONTAINERD_ADDRESS', 'CONTAINERD_NAMESPACE', 'NERDCTL_TOML'],
} as const;

/** Podman and nerdctl have no socket that one can count on: their command is asked. */
async function detectByCli(
  name: keyof typeof reachedBy,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<ContainerRuntime> {
  const command = findOnPath(name, env);
  if (command === undefined) {
    throw new JestKubernetesError('RUNTIME_MISSING', `The command ${name} is not on PATH`, {
      remedy: `Install ${name}, or unset JEST_KUBERNETES_RUNTIME to use Docker.`,
    });
  }
  const { args, read } = engineInfo[name];
  try {
    const remote = name === 'podman' ? env['CONTAINER_HOST'] : undefined;
    const host = remote === undefined ? '127.0.0.1' : hostOf(remote);
    // a virtual machine of Podman's own, at ssh:// and this machine's address, forwards what it publishes
    if (remote !== undefined && host !== '127.0.0.1') refuseUnusable(remote, 'CONTAINER_HOST');
    const { stdout } = await execa(command, args, {
      env,
      extendEnv: false,
      timeout: 10_000,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    const reach = Object.fromEntries(reachedBy[name].map((variable) => [variable, env[variable]]));
    return { name, command, env: { KIND_EXPERIMENTAL_PROVIDER: name, ...reach }, host, ...read(stdout) };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof JestKubernetesError) throw error;
    throw new JestKubernetesError('RUNTIME_NOT_ANSWERING', `${name} is installed, but does not answer`, {
      evidence: messageOf(error).split('\n').slice(0, 5),
      remedy: `See that \`${name} info\` works.`,
      cause: error,
    });
  }
}
