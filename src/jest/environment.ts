import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';

import { beginTest, beginTestFile, currentScope, endTest, markFailed } from '../testing/test-file.js';
import { type Event, failureIn, hasFailure, isLastTry, nameOf, type State } from './circus.js';
import { fileEnds, testFailed } from './failures.js';
import { environment } from './native.js';
import { nodeEnvironment } from './node-environment.js';
import { timeoutOf } from './preset-defaults.js';

/**
 * Jest's own Node environment, which also knows when a test file has failed and when it has ended. A test environment
 * of the user's own does without; one that extends this one has both.
 */
class JestKubernetesEnvironment extends nodeEnvironment() {
  readonly #testTimeout: number;
  /** Between the two events it is told of every test; a file that cannot be loaded never gets to the second. */
  #isUnderWay = false;
  #hookStartedAt: number | undefined;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    beginTestFile(context.testPath);
    this.#testTimeout = timeoutOf(config);
    environment.isOurs = true;
  }

  // as the base class declares it, where it has one
  async handleTestEvent(event: Event, state: State): Promise<void> {
    if (event.name === 'setup') state.testTimeout = this.#testTimeout;
    if (event.name === 'setup') this.#isUnderWay = true;
    if (event.name === 'test_start' && event.test !== undefined) beginTest(nameOf(event.test));
    if (event.name === 'test_fn_start' || event.name === 'hook_start') {
      const { timeout } = event.hook ?? event.test ?? {};
      currentScope().deadline = performance.now() + (timeout || state.testTimeout);
    }
    // Jest waits for it: nothing of the test is undone meanwhile
    if (event.name === 'hook_start') this.#hookStartedAt = Date.now();
    const failure = failureIn(event, state, this.#hookStartedAt);
    if (failure !== undefined && isLastTry(event.test, this.global, state)) await testFailed(failure);
    if (event.name === 'test_done') await endTest((event.test?.errors.length ?? 0) > 0);
    if (event.name === 'run_finish') {
      this.#isUnderWay = false;
      if (state.unhandledErrors.length > 0 || hasFailure(state.rootDescribeBlock)) markFailed();
    }
  }

  override async teardown(): Promise<void> {
    if (this.#isUnderWay) markFailed();
    await fileEnds();
    environment.isOurs = false;
    await super.teardown();
  }
}

export = JestKubernetesEnvironment;
