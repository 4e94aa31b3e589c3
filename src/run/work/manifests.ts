import { createHash } from 'node:crypto';

import { applyObjects } from '../../kubernetes/index.js';
import { findTool } from '../../tools/index.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** What is not in files is built, by a program that is on PATH, or is fetched. */
export async function readManifests(
  { env, milestones, reading }: RunContext,
  step: Step,
): Promise<undefined> {
  const find = (program: 'kubectl' | 'helm'): Promise<string> => findTool(program, { env, ...step });
  milestones.manifests.reach(await reading.all({ find, signal: step.signal }));
}

/** The manifests, once in the cluster's life. */
export async function applyManifests(run: RunContext, step: Step): Promise<string> {
  const { config, milestones, owner } = run;
  const { objects, hashes } = await milestones.manifests.promise;
  const access = await milestones.api.promise;
  const shared = owner && { owner, conflicts: config.cluster.conflicts };
  let left: number | undefined;
  await once(run, `manifests:${together(hashes)}`, step.progress, async () => {
    left = await applyObjects(access, objects, { ...step, shared });
    return true;
  });
  if (left === undefined) return 'there already';
  return `${objects.length} objects${left === 0 ? '' : `, ${left} of them there before and left as they are`}`;
}

/** The ledger's name of manifests: changed content is other work. */
export const together = (hashes: readonly string[]): string =>
  createHash('sha256').update(hashes.join()).digest('hex');
