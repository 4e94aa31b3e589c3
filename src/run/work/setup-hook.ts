import { createHash } from 'node:crypto';

import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { once, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** The user's own `setup`, once in the cluster's life, when everything else is there. */
export async function callSetupHook(run: RunContext, { progress }: Step): Promise<undefined> {
  const { config, environment, milestones } = run;
  const { setup, file } = config;
  if (setup === undefined) return;
  const digest = createHash('sha256')
    .update(`${file ?? ''}\n${setup.toString()}`)
    .digest('hex')
    .slice(0, 12);
  const access = await milestones.ready.promise;
  progress.waitingFor(`the configuration’s setup hook${file === undefined ? '' : ` (${file})`}`);
  await once(run, `setup:${digest}`, progress, async () => {
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
}
