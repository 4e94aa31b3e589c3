import { createInterface } from 'node:readline';

import { execa } from 'execa';
import pRetry from 'p-retry';

import type { Limits } from '../config/config.js';
import { formatBytes, type Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { engine, inspectImage } from './engine.js';
import { explainPull, PullError } from './failures.js';
import { withinLimits } from './limits.js';
import { LayerProgress, type PullEvent } from './layer-progress.js';
import { atMirror, parseReference, type ImageReference } from './reference.js';

export interface PullOptions {
  runtime: ContainerRuntime;
  /** Mirrors of Docker Hub, tried in this order. */
  mirrors: readonly string[];
  signal: AbortSignal;
  progress: Progress;
  /** For each registry that is tried. Podman and nerdctl tell no bytes: for them `stall` counts lines. */
  limits: Limits;
}

export interface PulledImage {
  /** `sha256:…` */
  id: string;
  alreadyThere: boolean;
  /** The registry that it came from, or would have. */
  from: string;
}

/** One try at one registry. */
export type PullAttempt = (
  image: ImageReference,
  step: { signal: AbortSignal; progress: Progress; bytes: (text: string) => void },
) => Promise<void>;

/** How often, and after how many milliseconds, a pull is tried again that failed in passing. */
const backoff = { retries: 3, minTimeout: 500, factor: 3, randomize: true };

/**
 * Sees that the host has an image: pulls it where it is missing, tries again what fails in passing, and goes to a
 * mirror where Docker Hub limits its rate or does not answer. Several processes may ask for the same image at once.
 *
 * @throws JestKubernetesError IMAGE_NOT_FOUND, IMAGE_UNAUTHORIZED, IMAGE_RATE_LIMITED, IMAGE_PLATFORM,
 * IMAGE_PULL_FAILED, REGISTRY_UNREACHABLE, DISK_FULL, STALLED, TIMED_OUT, CONFIG_INVALID
 */
export async function pullImage(reference: string, options: PullOptions): Promise<PulledImage> {
  const { runtime, signal } = options;
  const image = parseReference(reference);
  const present = await inspectImage(reference, runtime, signal);
  if (present !== undefined) return { id: present.id, alreadyThere: true, from: image.registry };

  const attempt: PullAttempt =
    runtime.name === 'docker' ? pullWithDocker : (target, step) => pullWithCli(runtime, target, step);
  const source = await pullFromAny(image, options, attempt);
  // an image from a mirror goes by the name that was asked for; a digest alone cannot be a tag's name
  if (source !== image && image.digest === undefined) await engine(runtime, ['tag', source.name, image.name], { signal });
  const pulled = await inspectImage(source === image ? image.name : image.digest === undefined ? image.name : source.name, runtime, signal);
  if (pulled === undefined) throw explainPull(image, 'the engine said that it was done, but the image is not there');
  return { id: pulled.id, alreadyThere: false, from: source.registry };
}
