import { createHash } from 'node:crypto';

import { JestKubernetesError, messageOf } from '../support/errors.js';
import type { Phase } from './phases.js';
import { once, type RunContext } from './plan.js';

/** The user's own `setup`, when everything else is there. */
export function hookPhases(context: RunContext, before: readonly Phase[]): Phase[] {
  const { config, environment, milestones } = context;
  const { setup, file, timeouts } = config;
  if (setup === undefined) return [];
  const digest = createHash('sha256')
    .update(`${file ?? ''}\n${setup.toString()}`)
    .digest('hex')
    .slice(0, 12);
  return [
    {
      name: 'setup',
      title: 'run the setup hook',
      after: ['ready', ...before.map((phase) => phase.name)],
      // nothing is known of its progress
      limits: { stall: timeouts.cluster.total, total: timeouts.cluster.total },
      async work({ progress }) {
        const access = await milestones.ready.promise;
        progress.waitingFor(`the configuration’s setup hook${file === undefined ? '' : ` (${file})`}`);
        await once(context, `setup:${digest}`, progress, async () => {
          try {
            await setup({ ...access, env: environment.variables() });
          } catch (error) {
            throw new JestKubernetesError('SETUP_HOOK_FAILED', 'The configuration’s setup hook failed', {
              evidence: [file ?? '', messageOf(error)].filter((line) => line !== ''),
              cause: error,
            });
          }
          return true;
        });
        return undefined;
      },
    },
  ];
}
