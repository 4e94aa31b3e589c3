import { listSnapshots, pruneSnapshots, type Snapshot } from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { detectRuntime } from '../runtime/index.js';

const engineOf = (config: Config, env: NodeJS.ProcessEnv) =>
  detectRuntime({ env, preferred: config.runtime });

/** The snapshots that the engine has; none where none answers, or it is not Docker. */
export async function snapshotsOf(config: Config, env = process.env): Promise<Snapshot[]> {
  try {
    const engine = await engineOf(config, env);
    return engine.name === 'docker' ? await listSnapshots(engine, env) : [];
  } catch {
    return [];
  }
}

/** Takes away those that are too old, too many, or were never finished. @returns their names */
export async function tidySnapshots(config: Config, env = process.env): Promise<string[]> {
  try {
    const engine = await engineOf(config, env);
    return engine.name === 'docker' ? await pruneSnapshots(engine, env) : [];
  } catch {
    return [];
  }
}
