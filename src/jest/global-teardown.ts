import type { Config } from '@jest/types';

import { isSwitchedOff } from '../support/switched-off.js';

/** Jest's `globalTeardown`, which Jest calls after every re-run of a watch too: the cluster lives until its end. */
async function globalTeardown({ watch, watchAll }: Config.GlobalConfig): Promise<void> {
  if (isSwitchedOff()) return;
  const { finishRun, showFailures } = await import('../run/index.js');
  if (watch || watchAll) showFailures();
  else await finishRun();
}

export = globalTeardown;
