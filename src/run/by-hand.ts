/**
 * Whether somebody sits at the machine: what is made for their next run is no use in CI, whose machines are mostly thrown
 * away before, nor is it to be at work behind a job.
 */
export const isByHand = ({ CI = '' }: NodeJS.ProcessEnv): boolean =>
  ['', '0', 'false'].includes(CI.toLowerCase());
