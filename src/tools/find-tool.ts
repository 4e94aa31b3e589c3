import { findOnPath } from '../runtime/index.js';
import { type FetchOptions, fetchTool, lookForRelease } from './fetch-tool.js';
import { helmRelease, kubectlRelease } from './release.js';

const releases = { kubectl: kubectlRelease, helm: helmRelease };

/**
 * The program on PATH, or else the pinned release, downloaded into the user's cache folder and checked.
 * @returns its absolute path
 * @throws JestKubernetesError TOOL_MISSING, TOOL_CHECKSUM
 */
export async function findTool(name: keyof typeof releases, options: FetchOptions): Promise<string> {
  return findOnPath(name, options.env) ?? (await fetchTool(releases[name], options)).command;
}

/**
 * In words, where `findTool` would have a program from. Nothing is downloaded, or written.
 * @throws JestKubernetesError as `findTool` would
 */
export async function lookForTool(
  name: keyof typeof releases,
  options: Omit<FetchOptions, 'progress'>,
): Promise<string> {
  const command = findOnPath(name, options.env);
  return command === undefined ? lookForRelease(releases[name], options) : `${name} at ${command}`;
}
