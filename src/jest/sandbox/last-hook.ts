import { afterAll } from '@jest/globals';

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
 * An `afterAll` that runs after those of the test file: jest-circus runs them in the order in which they are defined,
 * and what is defined before the test file would take its namespace from under them. Where the state is not as
 * expected, it is an `afterAll` like any other.
 */
export function afterAllElse(fn: () => Promise<void>): void {
  afterAll(fn);
  for (const hooks of rootHooks()) {
    const index = hooks.findIndex((hook) => hook.fn === fn);
    if (index === -1) continue;
    const [last] = hooks.splice(index, 1) as [Hook];
    Object.defineProperty(hooks, 'push', {
      value(this: Hook[], ...added: Hook[]): number {
        this.splice(this.indexOf(last), 0, ...added);
        return this.length;
      },
    });
    hooks[hooks.length] = last;
  }
}
