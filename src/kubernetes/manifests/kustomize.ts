import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { processes } from '../../support/native.js';
import { type ManifestObject, parseManifest } from './parse.js';

/**
 * What a kustomize folder builds.
 * @param changed - changes its text before it is read
 * @throws JestKubernetesError MANIFEST_INVALID, with kubectl's own words
 */
export async function buildKustomization(
  path: string,
  {
    kubectl,
    changed,
    signal,
  }: { kubectl: string; changed: (text: string) => string; signal: AbortSignal | undefined },
): Promise<ManifestObject[]> {
  const text = changed(await kustomize(path, kubectl, signal));
  return parseManifest(text, path).map(({ object }) => ({ object, origin: path }));
}

async function kustomize(path: string, kubectl: string, signal: AbortSignal | undefined): Promise<string> {
  const { ExecaError, execa } = processes();
  try {
    const { stdout } = await execa(kubectl, ['kustomize', path], signal ? { cancelSignal: signal } : {});
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ExecaError && error.code === 'ENOENT') {
      throw new JestKubernetesError(
        'MANIFEST_INVALID',
        `${path} is a kustomize folder, and there is no kubectl to build it`,
        {
          remedy: `Install kubectl, or build it yourself (kustomize build ${path}) and name the result in manifests.`,
          cause: error,
        },
      );
    }
    const output = error instanceof ExecaError ? String(error.stderr).trim() : messageOf(error);
    throw new JestKubernetesError('MANIFEST_INVALID', `kubectl kustomize ${path} failed`, {
      evidence: output.split('\n').slice(-10),
      cause: error,
    });
  }
}
