/** ESM-only packages, which Jest's sandbox cannot load: they are loaded natively. */
const native = {
  execa: 'execa',
  'p-retry': 'p-retry',
  'log-update': 'log-update',
  '@kubernetes/client-node': 'kubernetes-client-node',
};

/** The project's own tests, by how much of the world each needs. */
const project = (displayName) => ({
  displayName,
  testMatch: [`<rootDir>/test/${displayName}/**/*.test.ts`],
  testEnvironment: '<rootDir>/test/native/environment.js',
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...Object.fromEntries(
      Object.entries(native).map(([name, file]) => [`^${name}$`, `<rootDir>/test/native/${file}.js`]),
    ),
  },
  testPathIgnorePatterns: process.env.TEST_E2E === 'all' ? [] : ['<rootDir>/test/e2e/long/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/examples/'],
  transform: { '^.+\\.tsx?$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
});

module.exports = { projects: ['unit', 'integration', 'e2e', 'engines'].map(project) };
