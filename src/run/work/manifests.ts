import { applyObjects, readManifests } from '../../kubernetes/index.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** The manifests, once in the cluster's life. */
export async function applyManifests(run: RunContext, step: Step): Promise<string> {
  const { config, milestones, owner } = run;
  const { objects, hash } = await readManifests(config.manifests);
  const access = await milestones.api.promise;
  const shared = owner && { owner, conflicts: config.cluster.conflicts };
  let left: number | undefined;
  await once(run, `manifests:${hash}`, step.progress, async () => {
    left = await applyObjects(access, objects, { ...step, shared });
    return true;
  });
  if (left === undefined) return 'there already';
  return `${objects.length} objects${left === 0 ? '' : `, ${left} of them there before and left as they are`}`;
}
