import { applyObjects, owned, readManifests } from '../kubernetes/index.js';
import type { Phase } from './phases.js';
import { once, type RunContext } from './plan.js';

/** The manifests, applied as soon as the API server answers. */
export function manifestPhases(context: RunContext): Phase[] {
  const { config, milestones } = context;
  if (config.manifests.length === 0) return [];
  return [
    {
      name: 'manifests',
      title: 'apply manifests',
      after: ['api'],
      limits: config.timeouts.manifests,
      async work({ signal, progress }) {
        const { objects: given, hash } = await readManifests(config.manifests);
        const { provider, name } = config.cluster;
        // in a cluster that stays, they are to be found again
        const objects = given.map((each) =>
          provider === 'existing' ? { ...each, object: owned(each.object, name) } : each,
        );
        const access = await milestones.api.promise;
        let mine: boolean | undefined;
        await once(context, `manifests:${hash}`, progress, async () => {
          mine = true;
          await applyObjects(access, objects, { signal, progress });
          return true;
        });
        return mine === true ? `${objects.length} objects` : 'there already';
      },
    },
  ];
}
