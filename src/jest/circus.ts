import type { Errors, FailedWith } from './failures.js';

/** What is read of the state of jest-circus, and of its events. */
export interface Block {
  name: string;
  parent?: Block;
  hooks: Hook[];
  children: readonly (({ type: 'describeBlock' } & Block) | ({ type: 'test' } & Test))[];
}
export interface Test {
  name: string;
  parent: Block;
  errors: Errors;
  timeout?: number | null;
  /** How often it has been begun. */
  invocations: number;
}
export interface Hook {
  type: 'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll';
  fn: unknown;
  timeout?: number | null;
}
export interface Event {
  name: string;
  test?: Test;
  hook?: Hook;
  describeBlock?: Block;
}
export interface State {
  testTimeout: number;
  unhandledErrors: Errors;
  rootDescribeBlock: Block;
  currentlyRunningTest?: Test | null;
  /** Of Jest 30.5 and later. */
  describeRetryOptions?: WeakMap<Block, { numRetries?: number | string }>;
}

/** As Jest's own reporters write it: the root block's name is not told. */
export function nameOf({ name, parent }: { name: string; parent?: Block }): string {
  return parent?.parent === undefined ? name : `${nameOf(parent)} ${name}`;
}

export const hasFailure = (block: Block): boolean =>
  block.children.some((child) => (child.type === 'test' ? child.errors.length > 0 : hasFailure(child)));

const testsOf = (block: Block): Test[] =>
  block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)));

/** What a failure is called, and the lists that jest-circus has put it into; undefined where an event tells of none. */
export function failureIn(
  { name, test, hook, describeBlock }: Event,
  { unhandledErrors }: State,
  hookStartedAt?: number,
): FailedWith | undefined {
  if (name !== 'test_fn_failure' && name !== 'hook_failure') return undefined;
  // what fails on the way out of a test that is red already tells nothing more of its cause
  if (test != null)
    return test.errors.length === 1 ? { name: nameOf(test), lists: [test.errors] } : undefined;
  if (hook === undefined || describeBlock === undefined) return undefined;
  const called = [describeBlock.parent && nameOf(describeBlock), hook.type].filter(Boolean).join(' ');
  const lists =
    hook.type === 'beforeAll' ? testsOf(describeBlock).map(({ errors }) => errors) : [unhandledErrors];
  return { name: called, lists, startedAt: hookStartedAt };
}

/** Whether it is not tried again (`jest.retryTimes`, of the file or of a block). */
export function isLastTry(
  test: Test | null | undefined,
  sandbox: object,
  { describeRetryOptions }: Pick<State, 'describeRetryOptions'>,
): boolean {
  if (test == null) return true;
  let retries = Number((sandbox as Record<symbol, unknown>)[Symbol.for('RETRY_TIMES')] ?? 0);
  for (let block: Block | undefined = test.parent; block !== undefined; block = block.parent)
    retries = Math.max(retries, Number(describeRetryOptions?.get(block)?.numRetries ?? 0));
  return !(test.invocations <= retries);
}
