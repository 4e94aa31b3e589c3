import pRetry from 'p-retry';

import type { Limits } from '../config/index.js';
import type { Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { atMirror, type ImageReference, parseReference } from '../support/image-reference.js';
import { lastLines } from '../support/lines.js';
import { type Engine, imageHere, type LocalImage, localImage, runEngine } from './engine.js';
import { explainPull, PullError } from './failures.js';
import { transferByApi, TransferFailure } from './transfer.js';

export interface PullOptions {
  runtime: Engine & Pick<ContainerRuntime, 'platform'>;
  /** Public mirrors of Docker Hub's official images, tried in this order. */
  mirrors: readonly string[];
  signal: AbortSignal;
  progress: Progress;
  limits: Limits;
}

export interface PulledImage {
  id: string;
  alreadyThere: boolean;
  /** How many bytes came; undefined where the engine does not say. */
  bytes?: number | undefined;
  /** The registry or mirror that it came from. */
  from: string;
}

/**
 * Brings an image to the host, if it is not there. What fails in passing is tried again; where Docker Hub limits the
 * rate, or does not answer, its mirrors are tried.
 * @throws JestKubernetesError CONFIG_INVALID, IMAGE_*, REGISTRY_UNREACHABLE, DISK_FULL, RUNTIME_NOT_ANSWERING
 */
export async function pullImage(reference: string, options: PullOptions): Promise<PulledImage> {
  const { runtime, mirrors, progress, signal } = options;
  const image = parseReference(reference);
  const there = await imageHere(reference, mirrors, runtime);
  signal.throwIfAborted();
  if (there !== undefined) {
    refuseForeign(there, reference, runtime, `docker pull --platform ${runtime.platform} ${reference}`);
    return { id: there.id, alreadyThere: true, from: image.registry };
  }

  let bytes: number | undefined;
  const pulledFrom = async (registry: string, name = reference): Promise<PulledImage> => {
    const pulled = await localImage(name, runtime);
    if (pulled === undefined)
      throw explainPull(image, `${runtime.name} pulled ${image.name}, and does not have it`);
    refuseForeign(pulled, reference, runtime);
    return { id: pulled.id, alreadyThere: false, from: registry, bytes };
  };
  progress.waitingFor(`${image.registry} to send ${reference}`);
  let refusal: PullError;
  try {
    bytes = await persistently(image, options);
    return await pulledFrom(image.registry);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PullError) || !error.worthAMirror) throw error;
    refusal = error;
  }
  const tried: string[] = [];
  for (const mirror of mirrors) {
    const other = atMirror(image, mirror);
    if (other === undefined) break;
    progress.note(`${refusal.message}; trying ${mirror}`);
    try {
      bytes = await persistently(other, options);
      // what came by its digest keeps the mirror's name here, and gets its own in the nodes
      if (image.digest !== undefined) return await pulledFrom(mirror, other.name);
      const { failed, words } = await runEngine(runtime, ['tag', other.name, reference], { signal });
      if (failed) throw explainPull(image, words);
      return await pulledFrom(mirror);
    } catch (error) {
      signal.throwIfAborted();
      tried.push(`${mirror}: ${messageOf(error)}`);
    }
  }
  if (tried.length === 0) throw refusal;
  const { code, passing, message, evidence, remedy = '' } = refusal;
  throw new PullError(code, passing, message, { evidence: [...evidence, ...tried], remedy, cause: refusal });
}

/**
 * Engines pull an image of one platform without a word, whatever that is, and a node's containerd then has no use for it.
 * @param fetching - how to get the right one instead, where one might exist
 */
function refuseForeign(
  { platform }: LocalImage,
  reference: string,
  runtime: PullOptions['runtime'],
  fetching?: string,
): void {
  if (platform === undefined || platform === runtime.platform) return;
  const another = `use a tag that is built for ${runtime.platform}, or build it with an entry { build, tag } in images`;
  throw new JestKubernetesError(
    'IMAGE_PLATFORM',
    `${reference} is an image for ${platform}, and the cluster's nodes are ${runtime.platform}`,
    {
      evidence: [fetching === undefined ? 'the registry has no other' : `so it is on this machine already`],
      remedy:
        fetching === undefined
          ? `U${another.slice(1)}`
          : `Fetch the right one: ${fetching.replace(/^docker/, runtime.name)}; or ${another}`,
    },
  );
}

/** What fails in passing is tried three times more, after half a second, one and two. @returns the bytes that came */
function persistently(image: ImageReference, options: PullOptions): Promise<number | undefined> {
  return pRetry(() => (options.runtime.name === 'docker' ? pullByApi : pullByCommand)(image, options), {
    retries: 3,
    minTimeout: 500,
    signal: options.signal,
    shouldRetry: ({ error }) => worthAnotherTry(error),
    onFailedAttempt: ({ error, retriesLeft }) => {
      options.progress.moved();
      if (retriesLeft > 0 && worthAnotherTry(error)) options.progress.note(`${error.message}: trying again`);
    },
  });
}

/** A registry that does not answer has taken its time already. */
function worthAnotherTry(error: unknown): boolean {
  return error instanceof PullError && error.passing && error.code !== 'REGISTRY_UNREACHABLE';
}

async function pullByApi(image: ImageReference, options: PullOptions): Promise<number> {
  try {
    // half of the phase's own limit leaves time for a mirror
    return await transferByApi('pull', image, { ...options, stall: options.limits.stall / 2 });
  } catch (error) {
    if (!(error instanceof TransferFailure)) throw error;
    throw explainPull(image, error.words, error.cause);
  }
}

async function pullByCommand(
  image: ImageReference,
  { runtime, signal, progress }: PullOptions,
): Promise<undefined> {
  const limited = new AbortController();
  const { failed, words } = await runEngine(runtime, ['pull', image.name], {
    signal: AbortSignal.any([signal, limited.signal]),
    onLine: (line) => {
      progress.moved(line.trim().slice(0, 60));
      // Podman asks for two minutes on
      if (/toomanyrequests/.test(line)) limited.abort(explainPull(image, line));
    },
  });
  if (failed) throw explainPull(image, lastLines(words).join('\n'));
}
