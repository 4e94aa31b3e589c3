import type { ContainerRuntime } from './runtime.js';

/** What it takes to reach an engine, and to know it again. */
export type KnownEngine = Pick<ContainerRuntime, 'name' | 'command' | 'env' | 'id' | 'cgroupVersion'>;

/** The same as JSON can hold it: null is a variable that must not be set. Older versions wrote no id. */
export interface EngineRecord extends Pick<KnownEngine, 'name' | 'command'> {
  env: Readonly<Record<string, string | null>>;
  id?: string | undefined;
  cgroupVersion?: KnownEngine['cgroupVersion'];
}

/** What somebody else, under another environment, reaches this very engine by. */
export function recordOf({ name, command, env, id, cgroupVersion }: KnownEngine): EngineRecord {
  const variables = Object.entries(env).map(([key, value]) => [key, value ?? null] as const);
  return { name, command, env: Object.fromEntries(variables), id, cgroupVersion };
}

export function engineOf({ name, command, env, id, cgroupVersion }: EngineRecord): KnownEngine {
  const variables = Object.entries(env).map(([key, value]) => [key, value ?? undefined] as const);
  return { name, command, env: Object.fromEntries(variables), id, cgroupVersion };
}

/** An engine in words: `docker at tcp://builder:2376 (id 80cc7283)`. */
export function describeEngine({ name, env, id }: Pick<KnownEngine, 'name' | 'env' | 'id'>): string {
  const address = env['DOCKER_HOST'] ?? env['CONTAINER_HOST'] ?? env['CONTAINERD_ADDRESS'];
  return `${name}${address === undefined ? '' : ` at ${address}`}${id === undefined ? '' : ` (id ${id})`}`;
}
