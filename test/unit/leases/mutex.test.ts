import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Mutex } from '../../../src/cluster/leases/mutex.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jest-kubernetes-mutex-'));
  path = join(folder, 'lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that holds the lock until it dies, as the mutex itself takes it. */
async function heldByAnotherProcess(): Promise<ChildProcess> {
  await new Mutex(path).hold(() => undefined);
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(${JSON.stringify(path)});
    database.exec('BEGIN IMMEDIATE');
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return child;
}

test('a lock is free the moment its holder is killed', async () => {
  const holder = await heldByAnotherProcess();
  const entered: string[] = [];
  const waiting = new Mutex(path).hold(() => entered.push('in'));
  const stopped = new AbortController();
  const refused = new Mutex(path).hold(() => entered.push('never'), stopped.signal);
  stopped.abort(new Error('Ctrl-C'));
  await expect(refused).rejects.toThrow();
  expect(entered).toEqual([]);
  holder.kill('SIGKILL');
  await waiting;
  expect(entered).toEqual(['in']);
});

test('two callers of one process are not in at once, nor is one that throws left in', async () => {
  const [one, two] = [new Mutex(path), new Mutex(path)];
  let second: Promise<string> | undefined;
  let inside = true;
  await one.hold(() => {
    // its first attempt is made at once, and must fail
    second = two.hold(() => (inside ? 'beside the first' : 'after it'));
    void second.then(() => undefined);
    inside = false;
  });
  expect(await second).toBe('after it');
  await expect(one.hold(() => JSON.parse('{') as unknown)).rejects.toThrow(SyntaxError);
  expect(await two.hold(() => 'in')).toBe('in');
});

test('callers that share one mutex, and ask in the same moment, come in one after another', async () => {
  const mutex = new Mutex(path);
  const entered: number[] = [];
  await Promise.all([1, 2, 3].map((caller) => mutex.hold(() => entered.push(caller))));
  expect(entered.sort()).toEqual([1, 2, 3]);
});

test('it leaves an empty file beside the directory’s own mark, and nothing else', async () => {
  const mutex = new Mutex(path);
  for (let count = 0; count < 10; count += 1) await mutex.hold(() => undefined);
  expect(readdirSync(folder).sort()).toEqual(['jest-kubernetes.json', 'lock']);
  expect(statSync(path).size).toBe(0);
  mutex.close();
});

test('a lock on a file that was removed is not taken for one', async () => {
  const mutex = new Mutex(path);
  await mutex.hold(() => undefined);
  rmSync(path);
  await mutex.hold(() => {
    expect(readdirSync(folder).sort()).toEqual(['jest-kubernetes.json', 'lock']);
  });
});
