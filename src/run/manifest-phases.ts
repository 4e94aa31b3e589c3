import { applyObjects, readManifests } from '../workloads/index.js';
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
        const { objects, hash } = await readManifests(config.manifests);
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
