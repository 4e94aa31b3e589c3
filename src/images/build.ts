import { existsSync } from 'node:fs';
import path from 'node:path';

import type { ImageSource, Limits } from '../config/index.js';
import type { Progress } from '../report/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { lastLines } from '../support/lines.js';
import { type Engine, runEngine } from './engine.js';
import { saysDiskFull } from './failures.js';

export interface BuildOptions {
  runtime: Engine;
  signal: AbortSignal;
  progress: Progress;
  limits: Limits;
}

/**
 * Builds an image with the engine's own command; what has not changed comes from its cache.
 * @throws JestKubernetesError IMAGE_BUILD_FAILED, with the build's last lines; DISK_FULL
 */
export async function buildImage(
  source: Extract<ImageSource, { kind: 'build' }>,
  { runtime, signal, progress }: BuildOptions,
): Promise<void> {
  const { context, dockerfile, tag, args, target } = source;
  const file = path.resolve(context, dockerfile);
  for (const [what, where] of [
    ['build context', context],
    ['Dockerfile', file],
  ] as const) {
    if (existsSync(where)) continue;
    throw new JestKubernetesError('IMAGE_BUILD_FAILED', `The ${what} of ${tag} does not exist`, {
      evidence: [where],
    });
  }
  const options = [
    ...['--tag', tag, '--file', file],
    ...(target === undefined ? [] : ['--target', target]),
    ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
  ];
  progress.waitingFor(`${runtime.name} build`);
  const { failed, words } = await runEngine(runtime, ['build', ...options, context], {
    signal,
    onLine: (line) => {
      progress.moved(line.trim().slice(0, 60));
    },
  });
  if (!failed) return;
  throw new JestKubernetesError(
    saysDiskFull(words) ? 'DISK_FULL' : 'IMAGE_BUILD_FAILED',
    `${tag} could not be built from ${file}`,
    {
      evidence: lastLines(words, 12),
      remedy: `See all of it: ${runtime.name} build ${options.join(' ')} ${context}`,
    },
  );
}
