import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { identifyProcess, isAlive } from '../../../src/support/process-identity.js';

test('a running process is alive, an ended one is not, and its pid alone does not bring it back', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error('the child has no identity');
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, startedAt: 'another start' })).toBe(false);
  child.stdin.end();
  await once(child, 'exit');
  expect(isAlive(identity)).toBe(false);
  expect(identifyProcess(identity.pid)).toBeUndefined();
});
