import { listSnapshots, memoryInUse, pruneSnapshots, type Snapshot } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { type ContainerRuntime, detectRuntime } from '../runtime/index.js';

/* What the command asks the engine beside a run: an engine that does not answer knows of nothing, and fails nobody. */

type Asking = Pick<Config, 'runtime'>;

async function asked<T>(
  { runtime }: Asking,
  env: NodeJS.ProcessEnv,
  ask: (engine: ContainerRuntime) => Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await ask(await detectRuntime({ env, preferred: runtime }));
  } catch {
    return otherwise;
  }
}

/** Of Docker alone: others have no snapshots. */
const ofDocker =
  <T>(ask: (engine: ContainerRuntime) => Promise<T[]>) =>
  async (engine: ContainerRuntime): Promise<T[]> =>
    engine.name === 'docker' ? ask(engine) : [];

/** The snapshots that the engine has. */
export const snapshotsOf = (config: Asking, env = process.env): Promise<Snapshot[]> =>
  asked(
    config,
    env,
    ofDocker((engine) => listSnapshots(engine, env)),
    [],
  );

/** Takes away those that are too old, too many, or were never finished. @returns their names */
export const tidySnapshots = (config: Asking, env = process.env): Promise<string[]> =>
  asked(
    config,
    env,
    ofDocker((engine) => pruneSnapshots(engine, env)),
    [],
  );

/** How much memory a cluster takes, in the engine's words such as `612.4MiB`; undefined where it does not say so in time. */
export const memoryOf = (config: Asking, name: string, env = process.env): Promise<string | undefined> =>
  asked<string | undefined>(config, env, (engine) => memoryInUse(name, engine, env), undefined);
