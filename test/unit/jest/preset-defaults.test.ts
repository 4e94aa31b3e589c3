import { testTimeout, timeoutOf } from '../../../src/jest/preset-defaults.js';

test.each([
  ['nobody says', undefined, undefined, testTimeout],
  ['the preset of one project says', testTimeout, undefined, testTimeout],
  ['the project says', 7, undefined, 7],
  ['the run says', undefined, 8, 8],
  ['the run says, and the preset of one project', testTimeout, 8, 8],
  ['both say, the project’s own', 7, 8, 7],
  ['another project’s preset says, first of all, the project’s own', 7, testTimeout, 7],
  ['Jest has null for none', undefined, null, testTimeout],
])('where %s, a test has that long', (_what, project, run, expected) => {
  const configs = { globalConfig: { testTimeout: run }, projectConfig: { testTimeout: project } };
  expect(timeoutOf(configs)).toBe(expected);
});
