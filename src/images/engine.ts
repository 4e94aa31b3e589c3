import { execa } from 'execa';

import type { ContainerRuntime } from '../runtime/index.js';

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

/** The id of an image that the engine has; undefined where it has none of that name. */
export async function localImageId(reference: string, engine: Engine): Promise<string | undefined> {
  const { failed, stdout } = await runEngine(engine, ['image', 'inspect', '--format', '{{.Id}}', reference]);
  return failed ? undefined : stdout.trim();
}

/** The last telling lines of what a command said. */
export function lastLines(words: string, count = 8): string[] {
  return words
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
