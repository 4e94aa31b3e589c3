/** Runs in every test file before anything of the user's: one of the preset's `setupFiles`. */
import vm from 'node:vm';

import { jest } from '@jest/globals';

import { intrinsics, recogniseInstances } from '../realm.js';
import { outside } from './outside.js';

recogniseInstances(intrinsics, outside.nativeIntrinsics);
outside.restoreClasses();
outside.environment.variables = process.env;

// Under --experimental-vm-modules an `import` takes its names from the text of a CommonJS file, where they are not:
// a module given by a function has those of the object.
if ('SyntheticModule' in vm) {
  jest.unstable_mockModule('@kubernetes/client-node', () => outside.clientNodeFor(undefined));
  jest.unstable_mockModule('jest-kubernetes', () => ({ ...outside.testApi() }));
}

/** Jest waits for it. */
export = async (): Promise<void> => {
  Object.assign(process.env, await outside.prepareDatabase());
};
