import { statSync } from 'node:fs';

import type { Config, ImageSource } from '../config/index.js';
import {
  buildImage,
  imageSourceKey,
  importImage,
  localImageId,
  pullImage,
  pushImage,
} from '../images/index.js';
import { formatBytes, type Progress } from '../report/index.js';
import type { ClusterSource } from './cluster-source.js';
import type { Phase } from './phases.js';
import { Milestone, once, type RunContext } from './plan.js';

/** Each image: brought to the host while the cluster is made, then streamed into the nodes. */
export function imagePhases(context: RunContext): Phase[] {
  return context.config.images
    .filter((source) => !isThere(context, source))
    .flatMap((source) => {
      context.imports.set(imageSourceKey(source), new Milestone());
      const bringing = bringToHost[source.kind](context, source as never);
      return [...bringing, intoCluster(context, source, bringing)];
    });
}

/** What brings the images to the host alone: it needs no cluster. */
export function bringImages(config: Config, source: ClusterSource): Phase[] {
  return config.images.flatMap((image) => bringToHost[image.kind]({ config, source }, image as never));
}

/** Only a pulled image is known by its name: what is built, or read from a file, may have changed since. */
function isThere({ done }: RunContext, source: ImageSource): boolean {
  return source.kind === 'pull' && done.has(`image:${source.reference}`);
}

type Bring<Kind extends ImageSource['kind']> = (
  context: Pick<RunContext, 'config' | 'source'>,
  source: Extract<ImageSource, { kind: Kind }>,
) => Phase[];

const bringToHost: { [Kind in ImageSource['kind']]: Bring<Kind> } = {
  pull: ({ config, source: cluster }, { reference }) => [
    {
      name: `pull ${reference}`,
      title: `pull ${reference}`,
      after: [],
      limits: config.timeouts.pull,
      async work({ signal, progress }) {
        const options = { mirrors: config.mirrors, limits: config.timeouts.pull, signal, progress };
        const pulled = await pullImage(reference, { ...options, runtime: await cluster.runtime() });
        return pulled.alreadyThere ? 'already here' : undefined;
      },
    },
  ],
  build: ({ config, source: cluster }, source) => [
    {
      name: `build ${source.tag}`,
      title: `build ${source.tag}`,
      after: [],
      limits: config.timeouts.pull,
      async work({ signal, progress }) {
        const options = { limits: config.timeouts.pull, signal, progress };
        await buildImage(source, { ...options, runtime: await cluster.runtime() });
        return undefined;
      },
    },
  ],
  archive: () => [],
};

function intoCluster(context: RunContext, source: ImageSource, bringing: readonly Phase[]): Phase {
  const { config, milestones, source: cluster } = context;
  const name = imageSourceKey(source);
  return {
    name: `import ${name}`,
    title: `import ${name}`,
    after: [...bringing.map((phase) => phase.name), 'nodes'],
    limits: config.timeouts.import,
    async work({ signal, progress }) {
      const nodes = await milestones.nodes.promise;
      if (nodes.length === 0) {
        const where = await pushOrLeave(context, source, { signal, progress });
        context.imports.get(name)?.reach(true);
        return where;
      }
      const runtime = await cluster.runtime();
      let bytes: number | undefined;
      await once(context, await keyOf(context, source), progress, async () => {
        const what =
          source.kind === 'archive' ? { archive: source.path } : { reference: referenceOf(source) };
        const options = { runtime, signal, progress, limits: config.timeouts.import };
        bytes = (await importImage(what, nodes, options))?.bytes;
        return true;
      });
      context.imports.get(name)?.reach(true);
      return bytes === undefined ? 'there already' : formatBytes(bytes);
    },
  };
}

const referenceOf = (source: Exclude<ImageSource, { kind: 'archive' }>): string =>
  source.kind === 'pull' ? source.reference : source.tag;

/** The ledger's name of an image's import: changed content is another import. */
async function keyOf({ source: cluster }: RunContext, source: ImageSource): Promise<string> {
  if (source.kind === 'pull') return `image:${source.reference}`;
  if (source.kind === 'build') {
    return `image:${source.tag}@${(await localImageId(source.tag, await cluster.runtime())) ?? ''}`;
  }
  const { mtimeMs, size } = statSync(source.path);
  return `image:${source.path}@${mtimeMs}/${size}`;
}

/** A cluster whose nodes are not kind's gets its images from a registry. */
async function pushOrLeave(
  { config, source: cluster }: RunContext,
  source: ImageSource,
  step: { signal: AbortSignal; progress: Progress },
): Promise<string> {
  if (source.kind === 'archive' || source.push === undefined)
    return 'left to the cluster: its nodes are not kind’s';
  const options = { ...step, runtime: await cluster.runtime(), stall: config.timeouts.import.stall };
  await pushImage(referenceOf(source), source.push, options);
  return `pushed to ${source.push}`;
}
