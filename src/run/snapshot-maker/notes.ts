import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Mutex } from '../../cluster/index.js';
import { firstLine } from '../../support/lines.js';

/*
 * <stateDir>/snapshot-<key>.lock    held by the process that makes it in the background, or waits to
 * <stateDir>/snapshot-<key>.failed  that it could not be made: JSON
 */

/** For how long one that could not be made is not tried again by itself, in milliseconds: a day. */
const failureCounts = 24 * 60 * 60 * 1000;

export interface FailedSnapshot {
  key: string;
  /** ISO 8601. */
  at: string;
  /** One line. */
  reason: string;
}

const failureFile = (stateDir: string, key: string): string => path.join(stateDir, `snapshot-${key}.failed`);
const lockFile = (stateDir: string, key: string): string => path.join(stateDir, `snapshot-${key}.lock`);

/** All of them, with what each is. */
const filesIn = (stateDir: string): { file: string; key: string; is: string }[] =>
  (existsSync(stateDir) ? readdirSync(stateDir) : []).flatMap((name) => {
    const [, key, is] = /^snapshot-([^.]+)\.(lock|failed)$/.exec(name) ?? [];
    return key === undefined || is === undefined ? [] : [{ file: path.join(stateDir, name), key, is }];
  });

/** Notes that a snapshot could not be made by itself. */
export function noteFailure(stateDir: string, key: string, reason: string): void {
  if (!existsSync(stateDir)) return;
  const note = { at: new Date().toISOString(), reason: firstLine(reason) };
  writeFileSync(failureFile(stateDir, key), `${JSON.stringify(note)}\n`);
}

/** Forgets that a snapshot could not be made. */
export function forgetFailure(stateDir: string, key: string): void {
  rmSync(failureFile(stateDir, key), { force: true });
}

/** Takes away what dead makers have left, and notes that do not count any more. */
export function tidyNotes(stateDir: string): void {
  const counting = failedSnapshots(stateDir).map(({ key }) => failureFile(stateDir, key));
  for (const { file, is } of filesIn(stateDir)) {
    if (is === 'lock') Mutex.removeUnheld(file);
    else if (!counting.includes(file)) rmSync(file, { force: true });
  }
}

/** Those that could not be made within the last day. */
export function failedSnapshots(stateDir: string, now = Date.now()): FailedSnapshot[] {
  return filesIn(stateDir).flatMap(({ file, key, is }) => {
    const note = is === 'failed' ? read(file) : undefined;
    if (note === undefined || !(now - Date.parse(note.at) < failureCounts)) return [];
    return [{ key, at: note.at, reason: note.reason }];
  });
}

function read(file: string): Omit<FailedSnapshot, 'key'> | undefined {
  try {
    const { at, reason } = JSON.parse(readFileSync(file, 'utf8')) as Partial<FailedSnapshot>;
    return { at: String(at), reason: String(reason) };
  } catch {
    return undefined;
  }
}

/** Whether a process makes a snapshot in the background, or waits to. */
export const isInTheMaking = (stateDir: string, key: string): boolean =>
  Mutex.isHeld(lockFile(stateDir, key));

/** Takes the making of a snapshot upon this process; undefined where another one has. */
export async function takeMaking(stateDir: string, key: string): Promise<Disposable | undefined> {
  if (isInTheMaking(stateDir, key)) return undefined;
  const mutex = new Mutex(lockFile(stateDir, key));
  await mutex.keep();
  return {
    [Symbol.dispose]: () => {
      rmSync(mutex.path, { force: true });
      mutex.close();
    },
  };
}
