import { statSync } from 'node:fs';

import type { Config, ImageSource } from '../../config/index.js';
import {
  buildImage,
  imageSourceKey,
  importImage,
  localImageId,
  pullImage,
  pushImage,
} from '../../images/index.js';
import { formatBytes } from '../../report/index.js';
import { messageOf } from '../../support/errors.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

type Of<Kind extends ImageSource['kind']> = Extract<ImageSource, { kind: Kind }>;
type Bring = (
  run: Pick<RunContext, 'provider'> & { config: Pick<Config, 'mirrors' | 'timeouts'> },
  step: Step,
) => Promise<string | undefined>;

/** How long a run waits for a registry that says nothing, for an image that nobody asked for, in milliseconds. */
const optionalStall = 20_000;

export const pullToHost =
  ({ reference, isOptional }: Of<'pull'>): Bring =>
  async ({ config, provider }, step) => {
    const { mirrors, timeouts } = config;
    const stall = isOptional ? Math.min(optionalStall, timeouts.pull.stall) : timeouts.pull.stall;
    const limits = { ...timeouts.pull, stall };
    const options = { ...step, mirrors, limits, runtime: await provider.runtime() };
    try {
      const { alreadyThere, bytes = 0 } = await pullImage(reference, options);
      if (alreadyThere) return 'already here';
      return bytes > 0 ? formatBytes(bytes) : undefined;
    } catch (error) {
      step.signal.throwIfAborted();
      if (!isOptional) throw error;
      return `left out, as nothing asks for it: ${messageOf(error)}`;
    }
  };

export const buildOnHost =
  (image: Of<'build'>): Bring =>
  async ({ config, provider }, step) => {
    await buildImage(image, { ...step, limits: config.timeouts.pull, runtime: await provider.runtime() });
    return undefined;
  };

/** From the host into every node. */
export async function importIntoNodes(run: RunContext, image: ImageSource, step: Step): Promise<string> {
  const { config, milestones, provider } = run;
  const nodes = await milestones.nodes.promise;
  if (nodes.length === 0) return pushOrLeave(run, image, step);
  const runtime = await provider.runtime();
  if (image.kind === 'pull' && image.isOptional) {
    if ((await localImageId(image.reference, runtime)) === undefined) return 'left out';
  }
  let bytes: number | undefined;
  await once(run, await keyOf(run, image), step.progress, async () => {
    if (nodes.every(({ images = [] }) => images.includes(imageSourceKey(image)))) return true;
    const what = image.kind === 'archive' ? { archive: image.path } : { reference: referenceOf(image) };
    bytes = (await importImage(what, nodes, { ...step, runtime, mirrors: config.mirrors }))?.bytes;
    return true;
  });
  return bytes === undefined ? 'there already' : formatBytes(bytes);
}

const referenceOf = (image: Of<'pull' | 'build'>): string =>
  image.kind === 'pull' ? image.reference : image.tag;

/** The ledger's name of an image's import: changed content is another import. */
async function keyOf({ provider }: RunContext, image: ImageSource): Promise<string> {
  if (image.kind === 'pull') return `image:${image.reference}`;
  if (image.kind === 'build') {
    return `image:${image.tag}@${(await localImageId(image.tag, await provider.runtime())) ?? ''}`;
  }
  const { mtimeMs, size } = statSync(image.path);
  return `image:${image.path}@${mtimeMs}/${size}`;
}

/** A cluster whose nodes are not kind's gets its images from a registry. */
async function pushOrLeave(
  { config, provider }: RunContext,
  image: ImageSource,
  step: Step,
): Promise<string> {
  if (image.kind === 'archive' || image.push === undefined)
    return 'left to the cluster: its nodes are not kind’s';
  const options = { ...step, runtime: await provider.runtime(), stall: config.timeouts.import.stall };
  await pushImage(referenceOf(image), image.push, options);
  return `pushed to ${image.push}`;
}
