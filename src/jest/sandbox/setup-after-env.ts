/** Runs in every test file once `expect` is there: one of the preset's `setupFilesAfterEnv`. */
// not the globals, which a user may have switched off (injectGlobals: false)
import { beforeEach, expect } from '@jest/globals';

import { equalityAcrossRealms, intrinsics } from '../realm.js';
import { lastHooks } from './last-hooks.js';
import { outside } from './outside.js';

outside.beginTestFile(expect.getState().testPath ?? process.cwd());
// older ones than Jest 29.4 have none
const { addEqualityTesters } = expect as Partial<Pick<typeof expect, 'addEqualityTesters'>>;
addEqualityTesters?.([equalityAcrossRealms(intrinsics, outside.nativeIntrinsics)]);
if (!outside.environment.isOurs) {
  beforeEach(() => void outside.beginTest(expect.getState().currentTestName ?? ''));
  lastHooks({ each: () => outside.endTest(), all: () => outside.endTestFile() });
}

// the first of all hooks: the user's own find the database given back
const reset = outside.resetOfEachTest();
if (reset !== undefined) beforeEach(reset);
