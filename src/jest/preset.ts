import { createRequire } from 'node:module';

import { isSwitchedOff } from '../support/switched-off.js';
import { testTimeout } from './preset-defaults.js';
import { resolveOfJest } from './resolve-along.js';

/** Absolute paths throughout: strict package managers let the user's project see nothing of ours by name. */
const { resolve } = createRequire(__filename);

/** What a preset may hold, as far as this one does. */
export interface Preset {
  globalSetup?: string;
  globalTeardown?: string;
  reporters?: string[];
  testEnvironment: string;
  testTimeout: number;
  setupFiles: string[];
  setupFilesAfterEnv: string[];
  moduleNameMapper: Record<string, string>;
  resolver: string;
  transform: Record<string, string>;
}

export const preset: Preset = {
  ...(isSwitchedOff()
    ? {}
    : {
        globalSetup: resolve('./global-setup.js'),
        globalTeardown: resolve('./global-teardown.js'),
        reporters: ['default', resolve('./reporter.js')],
      }),
  testEnvironment: resolve('./environment.js'),
  testTimeout,
  setupFiles: [resolve('./sandbox/setup.js')],
  setupFilesAfterEnv: [resolve('./sandbox/setup-after-env.js')],
  moduleNameMapper: {
    '^@kubernetes/client-node$': resolve('./sandbox/client-node.js'),
    '^jest-kubernetes$': resolve('./sandbox/test-api.js'),
  },
  resolver: resolve('./resolver.js'),
  transform: {
    '\\.[cm]?tsx?$': resolve('./typescript.js'),
    // Jest's default, which naming any transform would switch off; Jest itself finds it by its name only where the
    // user brings no transform for JavaScript
    '\\.jsx?$': resolveOfJest(['jest', '@jest/core', 'jest-config', 'babel-jest']),
  },
};
