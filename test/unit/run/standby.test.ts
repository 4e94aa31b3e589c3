import { type Standby, standBy } from '../../../src/run/standby/stand-by.js';

const times = { total: 60_000, still: 40, awake: 10, look: 5 };

/** A lease that lives until it is said to be taken. */
function lease(isTaken: (told: readonly string[]) => boolean): Standby & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    times,
    freeMemory: () => 0.5,
    rest: (state) => {
      told.push(state);
      return Promise.resolve();
    },
    lease: {
      get isHeld() {
        return !isTaken(told);
      },
      rest: async (_state, tell) => {
        if (isTaken(told)) return false;
        await tell();
        return true;
      },
    },
  };
}
const { signal } = new AbortController();

test('a cluster on standby is paused, runs for a moment now and then, and is let go where somebody has taken it', async () => {
  const standby = lease((told) => told.length >= 5);
  expect(await standBy(standby, signal)).toBe('somebody has taken it');
  // the last word is not its own: whoever has it by then has it run
  expect(standby.told).toEqual(['paused', 'running', 'paused', 'running', 'paused']);
});

test.each([
  ['memory is short', { freeMemory: () => 0.09 }],
  ['nobody has come', { times: { ...times, total: 20 } }],
])('where %s it goes on, and is given up', async (reason, given) => {
  const standby = lease(() => false);
  expect(await standBy({ ...standby, ...given }, signal)).toBe(reason);
  expect(standby.told).toEqual(['paused', 'running']);
});

test('it ends with its process', async () => {
  const controller = new AbortController();
  const waiting = standBy(
    lease(() => false),
    controller.signal,
  );
  controller.abort(new Error('it was interrupted'));
  await expect(waiting).rejects.toThrow('aborted');
});
