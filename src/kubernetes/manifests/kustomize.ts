import { type ManifestObject, parseManifest } from './parse.js';
import { printedBy } from './program.js';

export interface BuildOptions {
  /** The program's path, or its name. */
  command: string;
  /** Changes what it prints before that is read. */
  changed: (text: string) => string;
  signal: AbortSignal | undefined;
}

/**
 * What a kustomize folder builds.
 * @throws JestKubernetesError MANIFEST_INVALID, with kubectl's own words
 */
export async function buildKustomization(
  path: string,
  { command, changed, signal }: BuildOptions,
): Promise<ManifestObject[]> {
  const printed = await printedBy('kubectl', command, ['kustomize', path], {
    what: `${path} is a kustomize folder`,
    otherwise: `build it yourself (kustomize build ${path}) and name the result in manifests`,
    signal,
  });
  return parseManifest(changed(printed), path).map(({ object }) => ({ object, origin: path }));
}
