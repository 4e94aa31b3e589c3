import { execa } from 'execa';

import type { ContainerRuntime } from '../runtime/index.js';

export type Engine = Pick<ContainerRuntime, 'name' | 'command' | 'env'>;

/**
 * Runs the engine's command and reads what it says; how it ended is in the result.
 * @throws the signal's reason
 */
export async function runEngine(
  { command, env }: Engine,
  args: readonly string[],
  { signal, onLine }: { signal?: AbortSignal; onLine?: (line: string) => void } = {},
): Promise<{ failed: boolean; stdout: string; /** Both streams, as they came. */ words: string }> {
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

/** The last telling lines of what a command said. */
export function lastLines(words: string, count = 8): string[] {
  return words
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
