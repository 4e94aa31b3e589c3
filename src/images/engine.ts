import { execa } from 'execa';

import type { ContainerRuntime } from '../runtime/index.js';
import { atMirror, parseReference } from '../support/image-reference.js';

export type Engine = Pick<ContainerRuntime, 'name' | 'command' | 'env'>;

export interface EngineResult {
  failed: boolean;
  stdout: string;
  /** All that it said, both streams, in the order it came. */
  words: string;
}

/** Runs the engine's command; how it ended is in the result. @throws the signal's reason */
export async function runEngine(
  { command, env }: Engine,
  args: readonly string[],
  { signal, onLine }: { signal?: AbortSignal; onLine?: (line: string) => void } = {},
): Promise<EngineResult> {
  const child = execa(command, args, {
    env,
    all: true,
    reject: false,
    stdin: 'ignore',
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (onLine !== undefined) for await (const line of child.iterable({ from: 'all' })) onLine(line);
  const result = await child;
  signal?.throwIfAborted();
  return { failed: result.failed, stdout: result.stdout, words: result.all || (result.shortMessage ?? '') };
}

export interface LocalImage {
  id: string;
  /** Such as `linux/amd64`; undefined where the image does not say. */
  platform: string | undefined;
  /** In bytes, unpacked; undefined where the engine does not say. */
  size?: number | undefined;
}

/** An image that the engine has; undefined where it has none of that name. */
export async function localImage(reference: string, engine: Engine): Promise<LocalImage | undefined> {
  // not every release of nerdctl has one
  const size = engine.name === 'nerdctl' ? '' : ' {{.Size}}';
  const format = `{{.Id}} {{.Os}}/{{.Architecture}}${size}`;
  const { failed, stdout } = await runEngine(engine, ['image', 'inspect', '--format', format, reference]);
  if (failed) return undefined;
  const [id = '', platform = '', bytes = ''] = stdout.trim().split(' ');
  return {
    id,
    platform: /^\w+\/\w+$/.test(platform) ? platform : undefined,
    size: Number(bytes) || undefined,
  };
}

/** The id of an image that the engine has; undefined where it has none of that name. */
export async function localImageId(reference: string, engine: Engine): Promise<string | undefined> {
  return (await localImage(reference, engine))?.id;
}

/**
 * The id of what a name means on one platform: of another, where the engine keeps images of several under one.
 * Undefined where it has none, or does not know the question (Docker before 28.1).
 */
export async function platformImageId(
  reference: string,
  engine: Engine,
  platform: string,
): Promise<string | undefined> {
  const args = ['image', 'inspect', '--platform', platform, '--format', '{{.Id}}', reference];
  const { failed, stdout } = await runEngine(engine, args);
  return failed ? undefined : stdout.trim();
}

/**
 * An image that the engine has, with what it calls it: its own name, or, where a mirror sent what was asked for by its
 * digest, the mirror's, since no engine gives an image a digest's name by hand. Undefined where it has none.
 */
export async function imageHere(
  reference: string,
  mirrors: readonly string[],
  engine: Engine,
): Promise<(LocalImage & { name: string }) | undefined> {
  const asked = parseReference(reference);
  const atMirrors = asked.digest === undefined ? [] : mirrors.map((mirror) => atMirror(asked, mirror)?.name);
  for (const name of [reference, ...atMirrors]) {
    const image = name === undefined ? undefined : await localImage(name, engine);
    if (name !== undefined && image !== undefined) return { ...image, name };
  }
  return undefined;
}
