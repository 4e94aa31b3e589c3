/** How long a test may take where the user does not say, in ms: pods are started in it, images may be pulled. */
export const testTimeout = 60_000;

/** JEST_KUBERNETES=off: the tests run, and nothing is made for them. What is neither on nor off, the run refuses. */
export const isOff = (): boolean => /^(off|false|0)$/i.test(process.env['JEST_KUBERNETES'] ?? '');
