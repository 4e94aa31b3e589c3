import { createRequire } from 'node:module';
import { dirname, extname } from 'node:path';

import type { Config } from '@jest/types';

import { resolveOfJest } from './resolve-along.js';

const requireLater = createRequire(__filename);

/** A project as Jest's configuration names it: by the path of its folder or of its own configuration, or by its options. */
type Project = string | ProjectOptions;
interface ProjectOptions {
  rootDir?: string;
  displayName?: string | { name: string };
}

/**
 * The folders that this run's Jest projects live in, of those that are selected: Jest calls a global setup once, whatever
 * their number, and tells it of all.
 *
 * @param argv - of Jest's command line
 */
export async function rootDirsOf(
  globalConfig: Config.GlobalConfig,
  projectConfig: Config.ProjectConfig,
  argv: readonly string[] = process.argv.slice(2),
): Promise<string[]> {
  const projects = globalConfig.projects as Project[];
  if (projects.length < 2) return [projectConfig.rootDir];
  const chosen = namesAfter(/^--select-?projects/i, argv);
  const ignored = namesAfter(/^--ignore-?projects/i, argv);
  const named = await Promise.all(projects.map(optionsOf));
  const selected = named.filter(({ displayName }) => {
    const name = typeof displayName === 'object' ? displayName.name : (displayName ?? '');
    return (chosen?.includes(name) ?? true) && ignored?.includes(name) !== true;
  });
  const folders = selected.flatMap(({ rootDir }) => rootDir ?? []);
  return folders.length > 0 ? folders : [projectConfig.rootDir];
}

/** The values of an option that takes all words up to the next option; undefined where it is not given. */
function namesAfter(option: RegExp, argv: readonly string[]): string[] | undefined {
  const names = argv.flatMap((word, index) => {
    if (!option.test(word)) return [];
    if (word.includes('=')) return [word.slice(word.indexOf('=') + 1)];
    const rest = argv.slice(index + 1);
    const end = rest.findIndex((each) => each.startsWith('-'));
    return end === -1 ? rest : rest.slice(0, end);
  });
  return names.length > 0 ? names : undefined;
}

/** Those of a path are in its configuration, which may name another rootDir than its own folder. */
async function optionsOf(project: Project): Promise<ProjectOptions> {
  if (typeof project !== 'string') return project;
  try {
    const { readInitialOptions } = requireLater(resolveOfJest(['jest', 'jest-cli', 'jest-config'])) as {
      readInitialOptions: (config: undefined, options: object) => Promise<{ config: ProjectOptions }>;
    };
    const options = { packageRootOrConfig: project, skipMultipleConfigError: true };
    return (await readInitialOptions(undefined, options)).config;
  } catch {
    return { rootDir: extname(project) === '' ? project : dirname(project) };
  }
}
