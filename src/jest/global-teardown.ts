import type { Config } from '@jest/types';
import { isOff } from './preset-defaults.js';

/** Jest's `globalTeardown`; one of the user's own calls it with the same arguments. */
export default async function globalTeardown(
  globalConfig: Config.GlobalConfig,
  projectConfig: Config.ProjectConfig,
): Promise<void> {
  if (isOff()) return;
  const { finishRun } = await import('../run/index.js');
  await finishRun({ globalConfig, projectConfig });
}
