import { execa } from 'execa';

import type { ContainerRuntime } from '../runtime/index.js';
import { parseReference } from './reference.js';

/** An image on the host. */
export interface LocalImage {
  /** `sha256:…` */
  id: string;
  bytes: number;
  /** `linux/amd64`, `linux/arm/v7` */
  platform: string;
}

/**
 * What the engine has under a name; undefined where it has nothing. Costs 15 ms, without testcontainers.
 * @throws ExecaError where the engine does not answer
 */
export async function inspectImage(
  reference: string,
  runtime: ContainerRuntime,
  signal?: AbortSignal,
): Promise<LocalImage | undefined> {
  const arguments_ = ['image', 'inspect', parseReference(reference).name];
  const { exitCode, stdout, stderr, ...rest } = await engine(runtime, arguments_, { reject: false, signal });
  if (exitCode !== 0) {
    signal?.throwIfAborted();
    if (/no such (?:image|object)|image not known|not found/i.test(stderr)) return undefined;
    throw new Error(stderr.trim() || rest.message || 'the container engine did not answer');
  }
  const [image] = JSON.parse(stdout) as {
    Id: string;
    Size?: number;
    Os?: string;
    Architecture?: string;
    Variant?: string;
  }[];
  if (image === undefined) return undefined;
  const platform = [image.Os, image.Architecture, image.Variant].filter(Boolean).join('/');
  return {
    // Podman leaves the algorithm out
    id: image.Id.includes(':') ? image.Id : `sha256:${image.Id}`,
    bytes: image.Size ?? 0,
    platform: platform === '' ? runtime.platform : platform,
  };
}

/** The id of an image on the host, `sha256:…`; undefined where it is not there. */
export async function localImageId(reference: string, runtime: ContainerRuntime): Promise<string | undefined> {
  return (await inspectImage(reference, runtime))?.id;
}

/** Runs one of the engine's commands to its end. */
export function engine(
  runtime: ContainerRuntime,
  arguments_: readonly string[],
  { reject = true, signal }: { reject?: boolean; signal?: AbortSignal | undefined } = {},
) {
  return execa(runtime.command, arguments_, {
    env: runtime.env,
    stdin: 'ignore',
    reject,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
}
