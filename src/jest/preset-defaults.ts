/** How long a test may take where the user does not say, in ms: pods are started in it, images may be pulled. */
export const testTimeout = 60_000;
