import pRetry from 'p-retry';

import type { Progress } from '../../report/index.js';
import { describeEngine, engineInfo, type KnownEngine } from '../../runtime/index.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { firstLines } from '../../support/lines.js';
import type { RunCli } from './node-containers.js';

interface Asked {
  name: string;
  directory: string;
  runtime: KnownEngine;
  signal?: AbortSignal | undefined;
  progress: Progress;
}

/** How long an engine may take to say who it is, in milliseconds: it counts its containers and images for that. */
const answerLimit = 60_000;

/**
 * Makes sure that the engine which is about to be asked for a cluster's containers is the one that has them. One whose
 * id is not known (a record of an older version, an engine without) is believed.
 * @throws JestKubernetesError CLUSTER_DELETE_FAILED
 */
export async function confirmEngine(asked: Asked, run: RunCli): Promise<void> {
  const { runtime, signal, progress } = asked;
  if (runtime.id === undefined) return;
  const { args, read } = engineInfo[runtime.name];
  progress.waitingFor(`${describeEngine(runtime)} to say who it is`);
  let id: string | undefined;
  try {
    // it may be just starting
    const text = await pRetry(() => run(args, { signal, timeout: answerLimit }), {
      retries: 2,
      minTimeout: 500,
      ...(signal === undefined ? {} : { signal }),
    });
    ({ id } = read(text));
    if (id === undefined) throw new Error('it says nothing of itself');
  } catch (error) {
    signal?.throwIfAborted();
    throw failed(
      asked,
      'the engine that it was made on does not answer',
      firstLines(messageOf(error), 4),
      error,
    );
  }
  if (id !== runtime.id) {
    throw failed(asked, 'another engine answers than the one that it was made on', [
      `who answers there has the id ${id}`,
    ]);
  }
}

function failed(
  { name, directory, runtime }: Asked,
  why: string,
  seen: readonly string[],
  cause?: unknown,
): JestKubernetesError {
  return new JestKubernetesError(
    'CLUSTER_DELETE_FAILED',
    `The cluster ${name} could not be deleted: ${why}`,
    {
      evidence: [`it was made on ${describeEngine(runtime)}`, ...seen],
      remedy:
        'Start that engine, or see that it is reached there, and try again (jest-kubernetes down); or choose another ' +
        `cluster.name (JEST_KUBERNETES_NAME) meanwhile. If that engine is gone for good, forget the cluster: rm -r '${directory}'`,
      cause,
    },
  );
}
