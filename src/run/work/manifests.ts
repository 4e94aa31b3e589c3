import { createHash } from 'node:crypto';

import { applyObjects } from '../../kubernetes/index.js';
import { serviceObjects } from '../../services/index.js';
import { findTool } from '../../tools/index.js';
import { namespaceOf, once, publishingNode, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** What is not in files is built, by a program that is on PATH, or is fetched. */
export async function readManifests(run: RunContext, step: Step): Promise<undefined> {
  const { config, env, milestones, reading } = run;
  const find = (program: 'kubectl' | 'helm'): Promise<string> => findTool(program, { env, ...step });
  const { objects, hashes } = await reading.all({ find, signal: step.signal });
  if (config.services.length === 0) {
    milestones.manifests.reach({ objects, hashes });
    return;
  }
  // services are one more place of manifests
  const placement = { namespace: namespaceOf(run), node: await publishingNode(run) };
  const [own, place] = [serviceObjects(config.services, placement), config.manifests.length];
  const entries = own.map((object) => ({ object, origin: 'the option services', place }));
  milestones.manifests.reach({ objects: [...objects, ...entries], hashes: [...hashes, JSON.stringify(own)] });
  return undefined;
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
