import { existsSync } from 'node:fs';
import path from 'node:path';

import type { Config } from './config.js';

/** One line for each file or folder that a configuration names and that is not there. */
export function missingPaths({
  cluster,
  dotenv,
  eachRun,
  images,
  manifests,
  postgres,
  setup,
}: Config): string[] {
  const named: [key: string, file: string][] = [];
  if (cluster.kubeconfig !== undefined) named.push(['cluster.kubeconfig', cluster.kubeconfig]);
  for (const [index, { mounts }] of cluster.nodes.entries()) {
    for (const [mount, { hostPath }] of mounts.entries())
      named.push([`cluster.nodes.${index}.mounts.${mount}.hostPath`, hostPath]);
  }
  for (const [index, image] of images.entries()) {
    if (image.kind === 'archive') named.push([`images.${index}.archive`, image.path]);
    if (image.kind === 'build') {
      const dockerfile = path.resolve(image.context, image.dockerfile);
      named.push(
        existsSync(image.context)
          ? [`images.${index}.dockerfile`, dockerfile]
          : [`images.${index}.build`, image.context],
      );
    }
  }
  for (const [index, manifest] of manifests.entries()) {
    if (manifest.kind !== 'path') named.push([`manifests.${index}.${manifest.kind}`, manifest.path]);
    // what a glob matches is known when it is read
    else if (!/[*?[\]{}!()]/.test(manifest.path)) named.push([`manifests.${index}`, manifest.path]);
    const values = manifest.kind === 'helm' ? manifest.values : [];
    for (const file of values) if (typeof file === 'string') named.push([`manifests.${index}.values`, file]);
  }
  for (const script of postgres?.initdb ?? []) named.push(['postgres.initdb', script]);
  for (const file of dotenv) named.push(['dotenv', file]);
  for (const [key, hooks] of Object.entries({ setup, eachRun })) {
    for (const { file, call } of hooks) if (call === undefined && file !== undefined) named.push([key, file]);
  }
  return named.filter(([, file]) => !existsSync(file)).map(([key, file]) => `${key}: ${file} is not there`);
}
