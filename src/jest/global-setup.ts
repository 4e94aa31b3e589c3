import type { Config } from '@jest/types';

import { isOff } from './preset-defaults.js';
import { rootDirsOf } from './root-dirs.js';
import { shown } from './shown.js';

/** Jest's `globalSetup`; one of the user's own calls it with the same arguments. */
async function globalSetup(
  globalConfig: Config.GlobalConfig,
  projectConfig: Config.ProjectConfig,
): Promise<void> {
  if (isOff()) return;
  const { startRun } = await import('../run/index.js');
  await shown(startRun(rootDirsOf(globalConfig, projectConfig)));
}

export = globalSetup;
