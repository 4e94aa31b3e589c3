import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  failedSnapshots,
  forgetFailure,
  isInTheMaking,
  noteFailure,
  takeMaking,
  tidyNotes,
} from '../../../src/run/snapshot-maker/notes.js';
import { untilQuiet } from '../../../src/run/snapshot-maker/quiet.js';
import { makesByItself } from '../../../src/run/snapshot-maker/start.js';

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'snapshot-maker-'));
  stateDir = path.join(folder, 'state');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('whether runs have snapshots made by themselves', () => {
  const cluster = { snapshot: true } as never;

  test.each<[string, string | undefined, boolean]>([
    ['a terminal', undefined, true],
    ['CI that is said to be none', 'false', true],
    ['CI', 'true', false],
    ['CI that says so in a number', '1', false],
  ])('in %s', (_, CI, expected) => {
    expect(makesByItself({ cluster }, { CI })).toBe(expected);
  });

  test('not where they are turned off', () => {
    expect(makesByItself({ cluster: { snapshot: false } as never }, {})).toBe(false);
  });
});

test('the making of a snapshot is one process’s, until it lets go', async () => {
  expect(isInTheMaking(stateDir, 'key')).toBe(false);
  const mine = await takeMaking(stateDir, 'key');
  expect(mine).toBeDefined();
  expect(isInTheMaking(stateDir, 'other')).toBe(false);
  mine?.[Symbol.dispose]();
  expect(isInTheMaking(stateDir, 'key')).toBe(false);
  using again = await takeMaking(stateDir, 'key');
  expect(again).toBeDefined();
});

describe('one that could not be made', () => {
  beforeEach(async () => {
    using made = await takeMaking(stateDir, 'key');
    expect(made).toBeDefined();
  });

  test('is known for a day, with the first line of the reason', () => {
    noteFailure(stateDir, 'key', 'no room\nat all');
    const [failed] = failedSnapshots(stateDir);
    expect(failed).toMatchObject({ key: 'key', reason: 'no room' });
    expect(failedSnapshots(stateDir, Date.parse(failed?.at ?? '') + 25 * 60 * 60 * 1000)).toEqual([]);
  });

  test('is forgotten when it is made', () => {
    noteFailure(stateDir, 'key', 'no room');
    forgetFailure(stateDir, 'key');
    expect(failedSnapshots(stateDir)).toEqual([]);
  });

  test('is none where its note cannot be read, or is not dated', () => {
    writeFileSync(path.join(stateDir, 'snapshot-half.failed'), '{"at": "2026');
    writeFileSync(path.join(stateDir, 'snapshot-undated.failed'), '{}');
    expect(failedSnapshots(stateDir)).toEqual([]);
  });
});

test('what dead makers have left goes, and notes that do not count any more', async () => {
  const held = await takeMaking(stateDir, 'held');
  const inFolder = (name: string): string => path.join(stateDir, name);
  writeFileSync(inFolder('snapshot-dead.lock'), '');
  writeFileSync(inFolder('snapshot-old.failed'), '{"at":"2020-01-01T00:00:00Z","reason":"no room"}');
  noteFailure(stateDir, 'key', 'no room');
  tidyNotes(stateDir);
  const left = readdirSync(stateDir).filter((name) => name.startsWith('snapshot-'));
  expect(left.sort()).toEqual(['snapshot-held.lock', 'snapshot-key.failed']);
  expect(isInTheMaking(stateDir, 'held')).toBe(true);
  held?.[Symbol.dispose]();
});

test('a note of a state directory that is gone does not bring it back', () => {
  noteFailure(stateDir, 'key', 'no room');
  expect(failedSnapshots(stateDir)).toEqual([]);
});

describe('a quiet moment', () => {
  const soon = (): number => performance.now() + 5000;

  test('comes where nothing runs', async () => {
    using made = await takeMaking(stateDir, 'key');
    expect(made).toBeDefined();
    await expect(untilQuiet(stateDir, { calm: 10, until: soon() })).resolves.toBe(true);
  });

  test('is not waited for when the state directory is gone', async () => {
    await expect(untilQuiet(stateDir, { calm: 10, until: soon() })).resolves.toBe(false);
  });

  test('is given up in the end', async () => {
    using made = await takeMaking(stateDir, 'key');
    expect(made).toBeDefined();
    await expect(untilQuiet(stateDir, { calm: 60_000, until: performance.now() + 100 })).resolves.toBe(false);
  });
});
