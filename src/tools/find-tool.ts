import { findOnPath } from '../runtime/index.js';
import { type FetchOptions, fetchTool } from './fetch-tool.js';
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
