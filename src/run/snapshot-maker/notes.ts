import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Mutex } from '../../cluster/index.js';
import { firstLine } from '../../support/lines.js';

/*
 * <stateDir>/snapshots/<key>.lock    held by the process that makes it in the background, or waits to
 * <stateDir>/snapshots/<key>.failed  that it could not be made: JSON
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

const folderOf = (stateDir: string): string => path.join(stateDir, 'snapshots');
const failureFile = (stateDir: string, key: string): string => path.join(folderOf(stateDir), `${key}.failed`);
const lockFile = (stateDir: string, key: string): string => path.join(folderOf(stateDir), `${key}.lock`);

/** Notes that a snapshot could not be made by itself. */
export function noteFailure(stateDir: string, key: string, reason: string): void {
  if (!existsSync(stateDir)) return;
  mkdirSync(folderOf(stateDir), { recursive: true });
  const note = { at: new Date().toISOString(), reason: firstLine(reason) };
  writeFileSync(failureFile(stateDir, key), `${JSON.stringify(note)}\n`);
}

/** Forgets that a snapshot could not be made. */
export function forgetFailure(stateDir: string, key: string): void {
  rmSync(failureFile(stateDir, key), { force: true });
}

/** Those that could not be made within the last day. */
export function failedSnapshots(stateDir: string, now = Date.now()): FailedSnapshot[] {
  const folder = folderOf(stateDir);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.flatMap((file) => {
    const { name: key, ext } = path.parse(file);
    const note = ext === '.failed' ? read(path.join(folder, file)) : undefined;
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
