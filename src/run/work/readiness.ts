import { diagnose, type Diagnosis, observe, watchDownloads, watchForCause } from '../../diagnose/index.js';
import {
  allReady,
  type AwaitedObject,
  becomesReady,
  type ClusterAccess,
  isOwnedBy,
  type KubernetesObject,
} from '../../kubernetes/index.js';
import { pause } from '../../support/abort.js';
import { JestKubernetesError } from '../../support/errors.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';
import { together } from './manifests.js';

/** Before the first look for a cause, and between two, in milliseconds: each costs the API server some questions. */
const watchInterval = 2000;

/** Services, the place after all manifests, always are. */
const isAwaited = ({ config }: RunContext, place = 0): boolean => config.manifests[place]?.wait ?? true;

/** What of the manifests is waited for; nothing as long as they have not been read. */
export function awaitedObjects(run: RunContext): KubernetesObject[] {
  const { objects = [] } = run.milestones.manifests.value ?? {};
  return objects
    .filter(({ object, place }) => isAwaited(run, place) && becomesReady(object))
    .map(({ object, namespace }) => {
      const { metadata } = object;
      return namespace === undefined ? object : { ...object, metadata: { namespace, ...metadata } };
    });
}

/** Until all that the manifests start is ready, once in the cluster's life. */
export async function waitForManifests(run: RunContext, step: Step): Promise<string | undefined> {
  const { milestones, owner } = run;
  const { hashes } = await milestones.manifests.promise;
  const awaited = awaitedObjects(run);
  if (awaited.length === 0) return undefined;
  const access = await milestones.ready.promise;
  const key = together(hashes.filter((_hash, place) => isAwaited(run, place)));
  let waited: number | undefined;
  await once(run, `ready:${key}`, step.progress, async () => {
    const since = Date.now();
    await allReady(access, awaited, {
      ...step,
      // in a cluster that stays, what somebody else has made is used as it is
      counts: (present) => owner === undefined || isOwnedBy(present, owner),
      onFound: milestones.awaited.reach,
      watch: async (lacking, signal) => {
        // how far they are is worth no failure
        tellDownloads(run, step, signal).catch(() => undefined);
        await pause(watchInterval, signal);
        const cause = await watchForCause({
          ...{ access, signal, interval: watchInterval },
          scope: { objects: [...(milestones.awaited.value ?? [])] },
          // an image that was still on its way when its pod was made is there by now
          context: () => ({ since }),
        });
        throw await notReady(access, cause, lacking(), signal);
      },
    });
    waited = awaited.length;
    return true;
  });
  return waited === undefined ? 'ready already' : `${String(waited)} of them`;
}

/** An image that a kubelet pulls by itself, as manifests of others name them. */
async function tellDownloads(
  { milestones, provider }: RunContext,
  { progress }: Step,
  signal: AbortSignal,
): Promise<void> {
  if (provider.stays) return;
  const containers = (await milestones.nodes.promise).map(({ name }) => name);
  await watchDownloads(
    { runtime: await provider.runtime(), containers },
    {
      signal,
      onMore: (said) => {
        progress.moved(said);
      },
    },
  );
}

/** The error of the object that a cause is the cause of. */
async function notReady(
  access: ClusterAccess,
  cause: Diagnosis,
  lacking: readonly (AwaitedObject & { lacks: string })[],
  signal: AbortSignal,
): Promise<JestKubernetesError> {
  const { code, sentence, evidence, remedy } = cause;
  const object = (await whose(access, cause, lacking, signal)) ?? lacking[0];
  if (object === undefined)
    return new JestKubernetesError(code, `The manifests’ objects are not ready: ${sentence}`, {
      evidence,
      remedy,
    });
  const others = lacking.filter(({ title }) => title !== object.title);
  return new JestKubernetesError(code, `${object.title} is not ready: ${sentence}`, {
    evidence: [
      object.lacks,
      ...evidence,
      ...others.slice(0, 3).map(({ title, lacks }) => `not ready either: ${title}: ${lacks}`),
    ],
    remedy,
  });
}

/** The first of which the same is said when it is looked at alone. */
async function whose<T extends AwaitedObject>(
  access: ClusterAccess,
  { cause }: Diagnosis,
  lacking: readonly T[],
  signal: AbortSignal,
): Promise<T | undefined> {
  if (lacking.length < 2) return lacking[0];
  for (const object of lacking) {
    const snapshot = await observe({ access, scope: { objects: [object] }, signal, downloads: false });
    if (diagnose(snapshot)?.cause === cause) return object;
  }
  return undefined;
}
