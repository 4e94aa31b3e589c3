import { applyObjects, owned, readManifests } from '../../kubernetes/index.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** The manifests, once in the cluster's life. */
export async function applyManifests(run: RunContext, step: Step): Promise<string> {
  const { config, milestones, provider } = run;
  const { objects: given, hash } = await readManifests(config.manifests);
  const { owner } = provider;
  // in a cluster that stays, they are to be found again
  const objects =
    owner === undefined ? given : given.map((each) => ({ ...each, object: owned(each.object, owner) }));
  const access = await milestones.api.promise;
  let mine: boolean | undefined;
  await once(run, `manifests:${hash}`, step.progress, async () => {
    mine = true;
    await applyObjects(access, objects, step);
    return true;
  });
  return mine === true ? `${objects.length} objects` : 'there already';
}
