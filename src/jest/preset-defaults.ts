/** How long a test may take where the user does not say, in ms: pods are started in it, images may be pulled. */
export const testTimeout = 60_000;

interface Timed {
  testTimeout?: number | null | undefined;
}

/**
 * How long a test may take: what its project says, which Jest itself (30 and later) tells and does not heed; else what the
 * run says; else the default, which a project's preset cannot set.
 */
export function timeoutOf({
  globalConfig,
  projectConfig,
}: {
  globalConfig: Timed;
  projectConfig: Timed;
}): number {
  const own = projectConfig.testTimeout;
  // of the preset's own value it cannot be told who has said it
  const said = own === testTimeout ? undefined : own;
  return said ?? globalConfig.testTimeout ?? testTimeout;
}
