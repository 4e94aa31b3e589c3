import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { causeIn, lineIn, testFailed } from '../../../src/jest/failures.js';
import { JestKubernetesError } from '../../../src/support/errors.js';
import { beginTest, beginTestFile, endTest, endTestFile } from '../../../src/testing/test-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'failures-'));
  process.env['JEST_KUBERNETES_DIAGNOSTICS'] = join(folder, 'run');
  process.env['JEST_KUBERNETES_FAILED'] = join(folder, 'failed');
  beginTestFile(join(process.cwd(), 'test/red.test.ts'));
  beginTest('is red');
});
afterEach(async () => {
  await endTest();
  await endTestFile();
  delete process.env['JEST_KUBERNETES_DIAGNOSTICS'];
  delete process.env['JEST_KUBERNETES_FAILED'];
  rmSync(folder, { recursive: true, force: true });
});

interface Shown {
  stack: string;
}
const place = { stack: 'Error: \n    at test (/shop/red.test.ts:3:1)' };
/** What Jest shows of something that a test has thrown. */
async function shown(error: unknown): Promise<string> {
  const errors: unknown[] = [[error, place]];
  await testFailed({ name: 'is red', lists: [errors] });
  return ((errors[0] as unknown[])[0] as Shown).stack;
}
const path = join('run', 'test/red.test.ts', 'is-red');

test('they are found again, and where the test file is in the stack', () => {
  const stack = '    at help (/shop/help.ts:9:9)\n    at test (/shop/red.test.ts:12:3)';
  const failure = `Error: no answer\n\njest-kubernetes: the image is not there\n  evidence\n${stack}`;
  expect(causeIn(failure)).toBe('the image is not there\n  evidence');
  expect(lineIn(failure, '/shop/red.test.ts')).toBe(12);
  expect(causeIn(`Error: no answer\n${stack}`)).toBeUndefined();
  const pathAlone = `Error: no answer\n\njest-kubernetes: everything that was seen: /shop/red\n${stack}`;
  expect(causeIn(pathAlone)).toBeUndefined();
  expect(lineIn('Error: no answer', '/shop/red.test.ts')).toBeUndefined();
});

test('the words stand between the message and the stack', async () => {
  const error = new Error('no answer\nat all');
  const [message, words, ...frames] = (await shown(error)).split(/\n\n|(?=\n {4}at )/);
  expect(message).toBe('Error: no answer\nat all');
  expect(words).toContain('jest-kubernetes: everything that was seen: ');
  expect(words).toContain(path);
  expect(frames[0]).toMatch(/^\n {4}at .*failures\.test/);
  expect(error.message).toBe('no answer\nat all');
});

test('of a time-out, which is a text, the message is as Jest words it, at the place of the test', async () => {
  expect(await shown('Exceeded timeout of 5 ms for a test.')).toMatch(
    /^thrown: "Exceeded timeout of 5 ms for a test\."\n\njest-kubernetes: .*\n {4}at test \(\/shop\/red\.test\.ts:3:1\)$/,
  );
});

test.each([[undefined], [null], [7], [{ status: 404 }]])(
  '%p, which is no error, is shown too',
  async (value) => {
    expect(await shown(value)).toMatch(/^thrown: .*\n\njest-kubernetes: /s);
  },
);

test('what an error of ours has told of its cause is told once; whatever else caused one is shown', async () => {
  const cause = new Error('the cluster has no kind ‘pdos’');
  const ours = (message: string): Error => new JestKubernetesError('TARGET_INVALID', message, { cause });
  const [said, unsaid, other] = [
    ours(`pdos names nothing: ${cause.message}`),
    ours('pdos names nothing'),
    new Error(`mine: ${cause.message}`, { cause }),
  ];
  for (const error of [said, unsaid, other]) await shown(error);
  expect([said.cause, unsaid.cause, other.cause]).toEqual([undefined, cause, cause]);
});

test('an error that cannot be changed is shown by a copy', async () => {
  const error = new TypeError('sealed');
  Object.defineProperty(error, 'stack', { value: error.stack, writable: false, configurable: false });
  const errors: unknown[] = [[error, place]];
  await testFailed({ name: 'is red', lists: [errors] });
  const [copy] = errors[0] as [Error];
  expect(copy.stack).toContain('jest-kubernetes: ');
  expect(copy).toBeInstanceOf(TypeError);
  expect(error.stack).not.toContain('jest-kubernetes: ');
});

test('one error that fails several tests is told of once', async () => {
  const error = new Error('shared');
  const lists = [[[error, place]], [[error, place]]];
  await testFailed({ name: 'beforeAll', lists });
  expect(error.stack?.match(/jest-kubernetes: /g)).toHaveLength(1);
});

test('a failure is marked at once', async () => {
  const failed = testFailed({ name: 'is red', lists: [[[new Error('a'), place]]] });
  expect(existsSync(join(folder, 'failed'))).toBe(true);
  await failed;
});

test('what a hook has failed with before any test is looked at once', async () => {
  await endTest();
  const hook = { stack: 'Error: \n    at hook (/shop/red.test.ts:1:1)' };
  const lists = [[['too late', hook]], [['too late', hook]]];
  for (const list of lists) await testFailed({ name: 'is red', lists: [list] });
  expect(readdirSync(join(folder, 'run/test/red.test.ts'))).toHaveLength(1);
  for (const [[error] = []] of lists)
    expect((error as unknown as Shown).stack).toContain('jest-kubernetes: ');
});

test('where the run wants no look, an error stays as it is', async () => {
  delete process.env['JEST_KUBERNETES_DIAGNOSTICS'];
  const error = new Error('plain');
  const { stack } = error;
  expect(await shown(error)).toBe(stack);
});
