import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import { GivenInput } from '../../../src/testing/given-input.js';

const endless = (): Readable => Readable.from(chunks(), { objectMode: false });
function* chunks(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(1000);
}

test.concurrent(
  'nobody reads any more what is given to a program that has complained and takes nothing',
  async () => {
    using given = new GivenInput(endless(), () => true);
    await once(given.stream, 'readable');
    given.stream.read();
    const started = performance.now();
    await once(given.isStuck, 'abort');
    expect(performance.now() - started).toBeGreaterThan(9_000);
  },
  30_000,
);

test.concurrent(
  'one that has not complained may take its time, and one that goes on may complain',
  async () => {
    using unread = new GivenInput(endless(), () => false);
    using read = new GivenInput(endless(), () => true);
    for (let seconds = 0; seconds < 13; seconds += 1) {
      read.stream.read();
      await pause(1_000);
    }
    expect([unread.isStuck.aborted, read.isStuck.aborted]).toEqual([false, false]);
  },
  30_000,
);
