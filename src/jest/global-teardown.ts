import type { Config } from '@jest/types';

import { isSwitchedOff } from '../support/switched-off.js';

/** Jest's `globalTeardown`, which Jest calls after every re-run of a watch too: the cluster lives until its end. */
async function globalTeardown({ watch, watchAll }: Config.GlobalConfig): Promise<void> {
  if (isSwitchedOff() || watch || watchAll) return;
  const { finishRun } = await import('../run/index.js');
  await finishRun();
}

export = globalTeardown;
