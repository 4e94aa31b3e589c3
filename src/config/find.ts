import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { JestKubernetesError } from '../support/errors.js';
import { parseJson } from './json.js';

const extensions = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'] as const;
const fileNames: ReadonlySet<string> = new Set(extensions.map((each) => `jest-kubernetes.config.${each}`));
/** The key of package.json that may hold the configuration instead. */
export const packageKey = 'jest-kubernetes';

export interface FoundConfig {
  /** Absolute path of the file that holds the configuration, package.json included; undefined where there is none. */
  file: string | undefined;
  /** The workspace's root: where the search ends. */
  workspaceRoot: string;
}

/**
 * Looks for a configuration from a folder upwards to the workspace's root, and never above it.
 * @throws JestKubernetesError CONFIG_INVALID where one folder holds two, or `named` is none; CONFIG_NOT_FOUND where
 * `named` does not exist
 */
export function findConfig(rootDir: string, named: string | undefined): FoundConfig {
  const folders = foldersToRoot(rootDir);
  const workspaceRoot = folders.at(-1) ?? rootDir;
  if (named !== undefined) {
    return { file: namedFile(path.resolve(rootDir, named)), workspaceRoot };
  }
  for (const folder of folders) {
    const found = configsIn(folder);
    if (found.length > 1) {
      throw new JestKubernetesError('CONFIG_INVALID', `There is more than one configuration in ${folder}`, {
        evidence: found.map((file) => path.basename(file)),
        remedy: 'Keep one of them.',
      });
    }
    if (found[0] !== undefined) return { file: found[0], workspaceRoot };
  }
  return { file: undefined, workspaceRoot };
}

function namedFile(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  const is = (what: string): string => `The configuration that JEST_KUBERNETES_CONFIG names ${what}`;
  const details = { evidence: [file], remedy: 'Correct the variable, or unset it.' };
  if (found === undefined) throw new JestKubernetesError('CONFIG_NOT_FOUND', is('is not there'), details);
  if (!found.isFile()) throw new JestKubernetesError('CONFIG_INVALID', is('is not a file'), details);
  if (!extensions.some((each) => file.endsWith(`.${each}`))) {
    throw new JestKubernetesError(
      'CONFIG_INVALID',
      is(`ends in none of .${extensions.join(', .')}`),
      details,
    );
  }
  return file;
}

function configsIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => fileNames.has(name));
  } catch {
    return [];
  }
  if (readPackage(folder)?.[packageKey] !== undefined) names.push('package.json');
  return names.map((name) => path.join(folder, name));
}

/** From a folder up to the workspace's root: the nearest that names workspaces or is a repository, else its package. */
function foldersToRoot(rootDir: string): string[] {
  const folders = [path.resolve(rootDir)];
  for (let folder = path.dirname(path.resolve(rootDir)); ; folder = path.dirname(folder)) {
    const last = folders.at(-1);
    if (last === undefined || isWorkspaceRoot(last) || folder === last) break;
    folders.push(folder);
  }
  const top = folders.at(-1);
  // the way up ended at the file system's own root: nothing above the package is the user's project
  return top !== undefined && isWorkspaceRoot(top) ? folders : folders.slice(0, 1 + nearestPackage(folders));
}

function nearestPackage(folders: readonly string[]): number {
  const index = folders.findIndex((folder) => existsSync(path.join(folder, 'package.json')));
  return Math.max(0, index);
}

function isWorkspaceRoot(folder: string): boolean {
  return (
    existsSync(path.join(folder, 'pnpm-workspace.yaml')) ||
    existsSync(path.join(folder, '.git')) ||
    namesWorkspaces(folder)
  );
}

function namesWorkspaces(folder: string): boolean {
  try {
    return readPackage(folder)?.['workspaces'] !== undefined;
  } catch {
    // one that is above the user's project is none of our business; one that is in it is read again
    return false;
  }
}

/** @throws JestKubernetesError CONFIG_INVALID where it is there but not JSON */
export function readPackage(folder: string): Record<string, unknown> | undefined {
  const file = path.join(folder, 'package.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return (parseJson(text, file) ?? undefined) as Record<string, unknown> | undefined;
}
