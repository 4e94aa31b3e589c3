import { afterAll, afterEach, beforeAll } from '@jest/globals';

import type { Block, Hook, State } from '../circus.js';

/** The state of jest-circus, which it keeps in the sandbox's global object under a symbol of its own. */
export function circusState(): State | undefined {
  const symbol = Object.getOwnPropertySymbols(globalThis).find(
    ({ description }) => description === 'JEST_STATE_SYMBOL',
  );
  return symbol && (globalThis as unknown as Record<symbol, State | undefined>)[symbol];
}

/**
 * Hooks that run after those of the test file: jest-circus runs them in the order in which they are defined, and what is
 * defined before the test file would take its namespace from under them. Where the state is not as expected, they are
 * hooks like any other.
 */
export function lastHooks(ends: { each: () => Promise<void>; all: () => Promise<void> }): void {
  afterEach(ends.each);
  afterAll(ends.all);
  const ours: unknown[] = [ends.each, ends.all];
  const hooks = circusState()?.rootDescribeBlock.hooks;
  if (hooks === undefined) return;
  const last = hooks.filter(({ fn }) => ours.includes(fn));
  Object.defineProperty(hooks, 'push', {
    value(this: Hook[], ...added: Hook[]): number {
      const from = this.findIndex((hook) => last.includes(hook));
      this.splice(from === -1 ? this.length : from, 0, ...added);
      return this.length;
    },
  });
}

/** A hook that runs after each test before any other such hook of the file, which would undo what the test has made. */
export function firstAfterEach(look: () => Promise<void>): void {
  afterEach(look);
  const root = circusState()?.rootDescribeBlock;
  const hook = root?.hooks.find(({ fn }) => fn === look);
  if (root === undefined || hook === undefined) return;
  // when all blocks are there, and none has begun
  beforeAll(() => {
    const place = (block: Block): void => {
      const at = block.hooks.indexOf(hook);
      if (at !== -1) block.hooks.splice(at, 1);
      block.hooks.unshift(hook);
      for (const child of block.children) if (child.type === 'describeBlock') place(child);
    };
    place(root);
  });
}
