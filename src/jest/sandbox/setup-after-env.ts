/** Runs in every test file once `expect` is there: one of the preset's `setupFilesAfterEnv`. */
// not the globals, which a user may have switched off (injectGlobals: false)
import { beforeEach, expect } from '@jest/globals';

import { hasFailure, isLastTry, nameOf } from '../circus.js';
import { equalityAcrossRealms, intrinsics } from '../realm.js';
import { circusState, firstAfterEach, lastHooks } from './last-hooks.js';
import { extendExpect } from './matchers.js';
import { outside } from './outside.js';

outside.beginTestFile(expect.getState().testPath ?? process.cwd());
// older ones than Jest 29.4 have none
const { addEqualityTesters } = expect as Partial<Pick<typeof expect, 'addEqualityTesters'>>;
addEqualityTesters?.([equalityAcrossRealms(intrinsics, outside.nativeIntrinsics)]);
extendExpect();
if (!outside.environment.isOurs) withoutEnvironment();

/** An environment of the user's tells nothing of its tests: hooks do, as well as they can. */
function withoutEnvironment(): void {
  let looked: unknown;
  const look = async (): Promise<void> => {
    const state = circusState();
    const test = state?.currentlyRunningTest;
    // each failure once, and those of one test together
    if (state === undefined || test == null || test.errors.length === 0 || looked === test.errors) return;
    looked = test.errors;
    if (isLastTry(test, globalThis, state))
      await outside.testFailed({ name: nameOf(test), lists: [test.errors] });
  };
  beforeEach(() => void outside.beginTest(expect.getState().currentTestName ?? ''));
  firstAfterEach(look);
  lastHooks({
    each: async () => {
      await look();
      await outside.endTest((circusState()?.currentlyRunningTest?.errors.length ?? 0) > 0);
    },
    all: async () => {
      const state = circusState();
      if (state !== undefined && (state.unhandledErrors.length > 0 || hasFailure(state.rootDescribeBlock)))
        outside.markFailed();
      await outside.fileEnds();
    },
  });
}

// the first of all hooks: the user's own find the database given back
const reset = outside.resetOfEachTest();
if (reset !== undefined) beforeEach(reset);
