import { constants } from 'node:os';

import { execa } from 'execa';

import { silent } from '../report/index.js';
import { findTool } from '../tools/index.js';
import { clusterUp } from './here.js';

/**
 * Runs kubectl, found or fetched, with a cluster's kubeconfig and this process's terminal; its exit status is this
 * process's.
 * @throws JestKubernetesError NO_CLUSTER, TOOL_MISSING, TOOL_CHECKSUM
 */
export async function kubectl(args: readonly string[], { name }: { name?: string }): Promise<void> {
  const { kubeconfig } = await clusterUp(name);
  const progress = { ...silent, note: tell };
  const { signal } = new AbortController();
  const command = await findTool('kubectl', { env: process.env, signal, progress });
  // a terminal's Ctrl-C reaches kubectl too, which says how it ends
  const patient = (): void => undefined;
  process.on('SIGINT', patient);
  try {
    const ended = await execa(command, args, {
      env: { KUBECONFIG: kubeconfig },
      stdio: 'inherit',
      reject: false,
    });
    if (ended.exitCode === undefined && ended.signal === undefined)
      throw new Error(ended.shortMessage, { cause: ended.cause });
    process.exitCode = ended.exitCode ?? 128 + constants.signals[ended.signal ?? 'SIGTERM'];
  } finally {
    process.off('SIGINT', patient);
  }
}

const tell = (line: string): void => {
  console.error(line);
};
