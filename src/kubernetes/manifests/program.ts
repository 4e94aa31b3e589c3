import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { processes } from '../../support/native.js';

interface Building {
  /** What is built: the start of a sentence, such as `/repo/k8s is a kustomize folder`. */
  what: string;
  /** What a reader without the program can do. */
  otherwise: string;
  signal: AbortSignal | undefined;
}

/**
 * What a program that builds manifests prints.
 * @throws JestKubernetesError MANIFEST_INVALID, with the program's own words
 */
export async function printedBy(
  name: string,
  command: string,
  args: readonly string[],
  { what, otherwise, signal }: Building,
): Promise<string> {
  const { ExecaError, execa } = processes();
  try {
    const { stdout } = await execa(command, args, signal ? { cancelSignal: signal } : {});
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ExecaError && error.code === 'ENOENT') {
      throw new JestKubernetesError('MANIFEST_INVALID', `${what}, and there is no ${name} to build it`, {
        remedy: `Install ${name}, or ${otherwise}.`,
        cause: error,
      });
    }
    const output = error instanceof ExecaError ? String(error.stderr).trim() : messageOf(error);
    throw new JestKubernetesError('MANIFEST_INVALID', `${what}, which ${name} cannot build`, {
      evidence: output
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-10),
      cause: error,
    });
  }
}
