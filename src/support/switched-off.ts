/** Whether JEST_KUBERNETES switches everything off: the tests run, and nothing is made for them. */
export const isSwitchedOff = (env: NodeJS.ProcessEnv = process.env): boolean =>
  /^(off|false|0)$/i.test(env['JEST_KUBERNETES'] ?? '');
