import { afterAll, afterEach } from '@jest/globals';

interface Hook {
  fn: unknown;
}

/** What is read of jest-circus' state, which it keeps in the sandbox's global object under a symbol of its own. */
interface CircusState {
  rootDescribeBlock?: { hooks?: Hook[] };
}

function rootHooks(): Hook[][] {
  return Object.getOwnPropertySymbols(globalThis)
    .filter(({ description }) => description === 'JEST_STATE_SYMBOL')
    .map((symbol) => (globalThis as Record<symbol, CircusState | undefined>)[symbol])
    .flatMap((state) => [state?.rootDescribeBlock?.hooks ?? []]);
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
  for (const hooks of rootHooks()) {
    const last = hooks.filter(({ fn }) => ours.includes(fn));
    Object.defineProperty(hooks, 'push', {
      value(this: Hook[], ...added: Hook[]): number {
        const from = this.findIndex((hook) => last.includes(hook));
        this.splice(from === -1 ? this.length : from, 0, ...added);
        return this.length;
      },
    });
  }
}
