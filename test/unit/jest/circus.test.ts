import {
  type Block,
  failureIn,
  type Hook,
  isLastTry,
  type State,
  type Test,
} from '../../../src/jest/circus.js';

const root: Block = { name: 'ROOT_DESCRIBE_BLOCK', hooks: [], children: [] };
const block: Block = { name: 'orders', parent: root, hooks: [], children: [] };
const test_ = (errors: unknown[], invocations = 1): Test => ({
  name: 'are taken',
  parent: block,
  errors,
  invocations,
});
const hook = (type: Hook['type']): Hook => ({ type, fn: undefined });
const state: State = { testTimeout: 5, unhandledErrors: [], rootDescribeBlock: root };

test('a test that fails, under its own name', () => {
  const failed = test_(['nope']);
  expect(failureIn({ name: 'test_fn_failure', test: failed }, state)).toEqual({
    name: 'orders are taken',
    lists: [failed.errors],
  });
});

test('what fails on its way out tells nothing more', () => {
  const failed = test_(['nope', 'nor this']);
  expect(failureIn({ name: 'hook_failure', test: failed, hook: hook('afterEach') }, state)).toBeUndefined();
});

test('a hook that fails before all tests of a block, below it too, fails each of them', () => {
  const [one, two] = [test_(['late']), test_(['late'])];
  const inner: Block = { ...block, name: 'inner', parent: block, children: [{ type: 'test', ...two }] };
  const outer: Block = {
    ...block,
    children: [
      { type: 'test', ...one },
      { type: 'describeBlock', ...inner },
    ],
  };
  expect(
    failureIn({ name: 'hook_failure', describeBlock: outer, hook: hook('beforeAll') }, state, 42),
  ).toEqual({
    ...{ name: 'orders beforeAll', lists: [one.errors, two.errors], startedAt: 42 },
  });
});

test('one after all tests fails the file', () => {
  expect(failureIn({ name: 'hook_failure', describeBlock: root, hook: hook('afterAll') }, state)).toEqual({
    ...{ name: 'afterAll', lists: [state.unhandledErrors], startedAt: undefined },
  });
});

test('no other event is a failure', () => {
  expect(failureIn({ name: 'test_done', test: test_(['nope']) }, state)).toBeUndefined();
});

test.each([
  [1, undefined, true],
  [1, 2, false],
  [2, 2, false],
  [3, 2, true],
])('try %i of a test that is tried again %p times is its last: %p', (invocations, retries, isLast) => {
  expect(isLastTry(test_([], invocations), { [Symbol.for('RETRY_TIMES')]: retries }, {})).toBe(isLast);
  const describeRetryOptions = new WeakMap(retries === undefined ? [] : [[root, { numRetries: retries }]]);
  expect(isLastTry(test_([], invocations), {}, { describeRetryOptions })).toBe(isLast);
});
