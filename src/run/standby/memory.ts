import { memoryInUse } from '../../cluster/index.js';
import type { Config } from '../../config/index.js';
import { detectRuntime } from '../../runtime/index.js';

/** How much memory a cluster takes, in the engine's words such as `612.4MiB`; undefined where it does not say so in time. */
export async function standbyMemory(
  { runtime }: Pick<Config, 'runtime'>,
  name: string,
  env = process.env,
): Promise<string | undefined> {
  try {
    return await memoryInUse(name, await detectRuntime({ env, preferred: runtime }), env);
  } catch {
    return undefined;
  }
}
