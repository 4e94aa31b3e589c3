/** Runs in every test file once `expect` is there: one of the preset's `setupFilesAfterEnv`. */
import { equalityAcrossRealms, intrinsics, type EqualityTester } from '../realm.js';
import { outside } from './outside.js';

interface Globals {
  afterAll(hook: () => Promise<void>): void;
  expect: {
    getState(): { testPath?: string };
    /** Jest 29.4 and newer. */
    addEqualityTesters?(testers: EqualityTester[]): void;
  };
}

// not the globals, which a user may have switched off (injectGlobals: false)
const { afterAll, expect } = require('@jest/globals') as Globals;

outside.beginTestFile(expect.getState().testPath ?? process.cwd());
expect.addEqualityTesters?.([equalityAcrossRealms(intrinsics, outside.nativeIntrinsics)]);
if (!outside.environment.isOurs) afterAll(() => outside.endTestFile());
