import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';

import { beginTest, beginTestFile, currentScope, endTest, endTestFile, type TestFile } from '../testing/test-file.js';
import { environment } from './native.js';
import { nodeEnvironment } from './node-environment.js';
import { testTimeout } from './preset-defaults.js';

/** What is read of the events and state of jest-circus. */
interface Block {
  name: string;
  parent?: Block;
  children: readonly (({ type: 'describeBlock' } & Block) | ({ type: 'test' } & Test))[];
}
interface Test {
  name: string;
  parent: Block;
  errors: readonly unknown[];
  timeout?: number | null;
}
interface Event {
  name: string;
  test?: Test;
  hook?: { timeout?: number | null };
}
interface State {
  testTimeout: number;
  unhandledErrors: readonly unknown[];
  rootDescribeBlock: Block;
}

/** As Jest's own reporters write it: the root block's name is not told. */
function nameOf({ name, parent }: { name: string; parent?: Block }): string {
  return parent?.parent === undefined ? name : `${nameOf(parent)} ${name}`;
}

const hasFailure = (block: Block): boolean =>
  block.children.some((child) => (child.type === 'test' ? child.errors.length > 0 : hasFailure(child)));

/**
 * Jest's own Node environment, which also knows when a test file has failed and when it has ended. A test environment
 * of the user's own does without; one that extends this one has both.
 */
class JestKubernetesEnvironment extends nodeEnvironment() {
  readonly #file: TestFile;
  readonly #hasOwnTimeout: boolean;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.#file = beginTestFile(context.testPath);
    this.#hasOwnTimeout = config.globalConfig.testTimeout !== undefined;
    environment.isOurs = true;
  }

  // as the base class declares it, where it has one
  async handleTestEvent(event: Event, state: State): Promise<void> {
    // a preset of one of several `projects` cannot set the time-out
    if (event.name === 'setup' && !this.#hasOwnTimeout) state.testTimeout = testTimeout;
    if (event.name === 'test_start' && event.test !== undefined) beginTest(nameOf(event.test));
    if (event.name === 'test_fn_start' || event.name === 'hook_start') {
      const { timeout } = event.hook ?? event.test ?? {};
      currentScope().deadline = performance.now() + (timeout || state.testTimeout);
    }
    if (event.name === 'test_done') await endTest();
    if (
      event.name === 'run_finish' &&
      (state.unhandledErrors.length > 0 || hasFailure(state.rootDescribeBlock))
    ) {
      this.#file.failed = true;
      (await import('../run/index.js')).recordFailure();
    }
  }

  override async teardown(): Promise<void> {
    await endTestFile();
    environment.isOurs = false;
    await super.teardown();
  }
}

export = JestKubernetesEnvironment;
