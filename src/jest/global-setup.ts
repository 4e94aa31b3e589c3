import type { Config } from '@jest/types';

import { refuseUnsupported } from '../support/supported.js';
import { isSwitchedOff } from '../support/switched-off.js';
import { rootDirsOf } from './root-dirs.js';

/** Jest's `globalSetup`; one of the user's own calls it with the same arguments. */
async function globalSetup(
  globalConfig: Config.GlobalConfig,
  projectConfig: Config.ProjectConfig,
): Promise<void> {
  if (isSwitchedOff()) return;
  refuseUnsupported();
  const { shown } = await import('./shown.js');
  const watch = globalConfig.watch || globalConfig.watchAll;
  const { startRun } = await import('../run/index.js');
  await shown(startRun(await rootDirsOf(globalConfig, projectConfig), { watch }));
}

export = globalSetup;
