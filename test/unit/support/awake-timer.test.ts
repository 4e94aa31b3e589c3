import { setTimeout as delay } from 'node:timers/promises';

import { AwakeTimer } from '../../../src/support/awake-timer.js';

/** Nothing of this process runs meanwhile, as while the machine sleeps. */
const standStill = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

test('time in which the process stood still does not count', async () => {
  const rung = jest.fn<undefined, []>();
  using timer = new AwakeTimer(2500, rung);
  standStill(4000);
  await delay(50);
  expect(rung).not.toHaveBeenCalled();
  expect(timer.passed).toBeLessThan(2500);
  await delay(1000);
  expect(rung).toHaveBeenCalledTimes(1);
}, 10_000);

test('it rings once its limit has passed, counted from the last start', async () => {
  const rung = jest.fn<undefined, []>();
  using timer = new AwakeTimer(300, rung);
  for (let count = 0; count < 10; count += 1) {
    await delay(60);
    timer.restart();
  }
  expect(rung).not.toHaveBeenCalled();
  await delay(600);
  expect(rung).toHaveBeenCalledTimes(1);
});

test('of a machine that others share, a part of the time counts', async () => {
  const rung = jest.fn<undefined, []>();
  using timer = new AwakeTimer(100, rung, () => 0.25);
  await delay(200);
  expect(rung).not.toHaveBeenCalled();
  expect(timer.passed).toBeLessThan(100);
  await delay(600);
  expect(rung).toHaveBeenCalledTimes(1);
});

test('one that was put away never rings', async () => {
  const rung = jest.fn<undefined, []>();
  new AwakeTimer(50, rung)[Symbol.dispose]();
  await delay(150);
  expect(rung).not.toHaveBeenCalled();
});
