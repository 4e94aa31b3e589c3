import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import { type Config, loadRunConfig, readChangedModules, readHook } from '../config/index.js';
import { ManifestReading } from '../kubernetes/index.js';
import { postgresKey } from '../postgres/index.js';
import { sha256 } from '../support/sha256.js';

/** What a re-run of a watch is given. */
export interface Reading {
  /** Undefined where everything is switched off. */
  config: Config | undefined;
  /** Variables that `.env` files have added. */
  added: Record<string, string>;
  /** The same for the same configuration, images, manifests, scripts and hooks. */
  inputs: string;
}

/**
 * Reads all that a watch's re-run is made from anew.
 * @param env - as it was before the run
 * @throws JestKubernetesError as `loadRunConfig` does; MANIFEST_INVALID
 */
export async function readAnew(rootDirs: readonly string[], env: NodeJS.ProcessEnv): Promise<Reading> {
  readChangedModules();
  const read = { ...env };
  const config = await loadRunConfig(rootDirs, read, { forRun: true });
  const added = Object.fromEntries(
    Object.entries(read).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && env[entry[0]] === undefined,
    ),
  );
  return {
    config,
    added,
    inputs: config === undefined ? '' : sha256(JSON.stringify([added, await inputsOf(config)])),
  };
}

async function inputsOf(config: Config): Promise<unknown[]> {
  const { images, manifests, postgres, setup, eachRun } = config;
  const asText = (_key: string, value: unknown): unknown =>
    typeof value === 'function' ? String(value) : value;
  const paths = images.flatMap((image) =>
    image.kind === 'build' ? image.context : image.kind === 'archive' ? image.path : [],
  );
  return [
    JSON.stringify(config, asText),
    await new ManifestReading(manifests).files(),
    // what a program builds may come from anywhere: its outcome is looked at each time
    manifests.every(({ kind }) => kind === 'path') ? '' : Date.now(),
    await Promise.all(paths.map(stampOf)),
    postgres === undefined ? '' : await postgresKey(postgres, postgres.migrateIn),
    await Promise.all([...setup, ...eachRun].map(async (hook) => (await readHook(hook)).digest)),
  ];
}

/** What no image is made from. */
const passedOver: ReadonlySet<string> = new Set(['node_modules', '.git', '.jest-kubernetes']);

/** Of a file, or of all below a folder: another where one of them is written. */
async function stampOf(place: string): Promise<string[]> {
  const found = await stat(place).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [`${place} ${String(found.mtimeMs)} ${String(found.size)}`];
  const names = (await readdir(place)).filter((name) => !passedOver.has(name)).sort();
  return (await Promise.all(names.map((name) => stampOf(path.join(place, name))))).flat();
}
