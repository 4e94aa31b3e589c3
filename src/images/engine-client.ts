import type { Readable } from 'node:stream';

import type { ImageReference } from '../support/image-reference.js';
import type { Engine } from './engine.js';
import { urlSafe } from './url-safe-socket.js';

/**
 * All that this project takes from testcontainers: its client of the engine, and where it finds a registry's
 * credentials. Its public `client.image.pull` tells neither progress nor a failure in mid-stream, and there is no
 * public push. `getAuthConfig` is in none of its exports, so that it is reached by its path, which any release may
 * change: package.json names one release exactly, and a unit test fails when the two part.
 */
export const loadEngineClient = (): Promise<
  [
    typeof import('testcontainers'),
    typeof import('testcontainers/build/container-runtime/auth/get-auth-config.js'),
  ]
> =>
  Promise.all([
    import('testcontainers'),
    import('testcontainers/build/container-runtime/auth/get-auth-config.js'),
  ]);

/**
 * Begins to pull or push an image, by the same engine and with the same credentials as testcontainers' own containers.
 * @returns the engine's answer: lines of JSON, until the image is there
 * @throws what testcontainers and dockerode throw; not all that it does heeds the signal
 */
export async function beginTransfer(
  direction: 'pull' | 'push',
  image: ImageReference,
  { env }: Engine,
  signal: AbortSignal,
): Promise<Readable> {
  const [{ getContainerRuntimeClient }, { getAuthConfig }] = await loadEngineClient();
  const client = await finding(env, getContainerRuntimeClient);
  const { dockerode } = client.container;
  const { indexServerAddress } = client.info.containerRuntime;
  const authconfig = await getAuthConfig(
    image.registry === 'docker.io' ? indexServerAddress : image.registry,
  );
  const options = { abortSignal: signal, ...(authconfig === undefined ? {} : { authconfig }) };
  // streams of Node.js's own, which their types do not say
  const answer: unknown =
    direction === 'pull'
      ? await dockerode.pull(image.name, options)
      : // a push without credentials needs an empty header all the same
        await dockerode.getImage(image.name).push({ authconfig: {}, ...options } as object);
  return answer as Readable;
}

let found: Promise<unknown> | undefined;

/**
 * testcontainers looks for its engine once in a process's life, by this process's environment, and must find the one that
 * was detected. The environment is the user's, and the workers', again as soon as it has.
 */
function finding<Client>(env: Engine['env'], find: () => Promise<Client>): Promise<Client> {
  found ??= under(env, find).catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found as Promise<Client>;
}

async function under<T>(env: Engine['env'], work: () => Promise<T>): Promise<T> {
  const set = (variables: Engine['env']): void => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  const { DOCKER_HOST: address } = env;
  set(address === undefined ? env : { ...env, DOCKER_HOST: urlSafe(address) });
  try {
    return await work();
  } finally {
    set(before);
  }
}
