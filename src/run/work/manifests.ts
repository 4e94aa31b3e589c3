import { applyObjects, readManifests } from '../../kubernetes/index.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** The manifests, once in the cluster's life. */
export async function applyManifests(run: RunContext, step: Step): Promise<string> {
  const { config, milestones, owner } = run;
  const { objects, hash } = await readManifests(config.manifests);
  const sharing = owner && { owner, conflicts: config.cluster.conflicts };
  const access = await milestones.api.promise;
  let left: number | undefined;
  await once(run, `manifests:${hash}`, step.progress, async () => {
    left = await applyObjects(access, objects, { ...step, sharing });
    return true;
  });
  if (left === undefined) return 'there already';
  const kept = left === 0 ? '' : `, ${left} of them there before and left as they are`;
  return `${objects.length} objects${kept}`;
}
