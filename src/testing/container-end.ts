import { type Api, containerStatus, readPods } from '../kubernetes/index.js';
import { pause } from '../support/abort.js';
import type { RunningContainer } from './running-container.js';

/** Between two looks, in milliseconds: a command that is over before the first costs no question. */
const lookEvery = 2_000;

/** How long after its container's end a command's own may still be told, in milliseconds. */
const late = 3_000;

/**
 * Waits for the end of a container: of a command in it, whose input is not all read by then, Kubernetes may never tell
 * that it has ended.
 *
 * @returns how it ended, as the rest of a sentence: `it ended with exit code 3 (Error)`
 * @throws the signal's reason
 */
export async function containerEnd(
  api: Api,
  { namespace, pod: name, container, run }: RunningContainer,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    await pause(lookEvery, signal);
    // a server that gives no answer says nothing of a container
    const pods = await readPods(api, { namespace, pod: name }, signal).catch(() => undefined);
    if (pods === undefined) continue;
    const pod = pods.find(({ metadata }) => metadata.uid === run.pod);
    const { state, lastState, restartCount = run.restarts } = (pod && containerStatus(pod, container)) ?? {};
    const end = state?.terminated ?? (restartCount > run.restarts ? lastState?.terminated : undefined);
    if (pod !== undefined && end === undefined && restartCount === run.restarts) continue;
    await pause(late, signal);
    if (pod === undefined) return 'its pod is gone';
    if (end === undefined) return 'it was started again';
    return `it ended with exit code ${end.exitCode}${end.reason === undefined ? '' : ` (${end.reason})`}`;
  }
}
