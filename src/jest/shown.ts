import { Report } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';

/** Jest prints the stack of what a global setup throws: for an error that speaks for itself, that is its own text. */
export async function shown(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof JestKubernetesError)) throw error;
    new Report().annotate(error);
    error.stack = `jest-kubernetes: ${error.format()}`;
    throw error;
  }
}
