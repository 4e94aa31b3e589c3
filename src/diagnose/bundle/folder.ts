import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How many runs' bundles are kept. */
const KEPT = 10;

/**
 * The folder of all that is seen of one run.
 * @param startedAt - in milliseconds since the epoch
 */
export function bundlePath(directory: string, runId: string, startedAt = Date.now()): string {
  const time = new Date(startedAt).toISOString().replace(/[-:]|\.\d+/g, '');
  return join(directory, `${time}-${runId.replace(/[^\w.-]/g, '_')}`);
}

export function makeBundle(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // a bundle is for reading here, or for an issue: never for a commit
  const ignored = join(dirname(path), '.gitignore');
  if (!existsSync(ignored)) writeFileSync(ignored, '*\n');
}

/** Removes all but the newest runs' bundles; a folder of another shape is not ours. */
export async function prune(directory: string): Promise<void> {
  const bundles = (await readdir(directory)).filter((name) => /^\d{8}T\d{6}Z-/.test(name)).sort();
  for (const name of bundles.slice(0, -KEPT))
    await rm(join(directory, name), { recursive: true, force: true });
}

/** One folder of a run that failed, while it is written. */
export interface Bundle {
  /** Writes a file of it, secrets masked. */
  write: (file: string, text: string) => Promise<void>;
  /** What could not be had, and why. */
  notes: string[];
}

/** Why a part is not there whose time is up. */
export const lateness = 'not done in time';
