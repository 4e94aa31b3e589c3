import { accessSync, closeSync, constants, openSync, rmSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

import { JestKubernetesError } from '../../support/errors.js';
import { claimStateDirectory, unusable } from '../../support/state-directory.js';

/*
 * A lock between processes that cannot outlive its holder: the kernel's own file locks (fcntl), which vanish with the
 * process, SIGKILL included. Node offers them through SQLite alone: a write transaction on an empty database, which
 * holds nothing and is never written to. proper-lockfile, the usual choice, takes over by age: a holder's death blocks
 * the others for seconds, a clock's jump takes the lock from the living, and two that find the same stale lock can
 * both get it (the second one's rmdir removes the first one's new lock; reproduced with 4.1.2).
 */

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;
/** As long as nobody should hold it, even on a machine that is nearly standing still; in milliseconds. */
const patience = 30_000;

function loadSqlite(): typeof import('node:sqlite') {
  // on Node 22 it warns that it is experimental; what is used of it here has been SQLite's since 2001
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
    if (sqlite === undefined) {
      throw new JestKubernetesError(
        'STATE_UNUSABLE',
        'this Node.js was built without SQLite, whose file lock is needed',
        {
          evidence: [`${process.execPath} (${process.version})`],
          remedy: 'Use a Node.js from nodejs.org.',
        },
      );
    }
    return sqlite;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** One lock file: `hold` is a critical section between all processes that name the same path. */
export class Mutex {
  #open: { database: DatabaseSync; inode: bigint } | undefined;

  /** @param path - of a file of a state directory that is made when it is missing, and left there, empty */
  constructor(readonly path: string) {}

  /**
   * Runs a short, synchronous piece of work while no other process (or caller) does. About 0.02 ms when nobody else
   * wants it; else tried again every few milliseconds.
   * @throws STATE_UNUSABLE where the file cannot be made or locked, or somebody holds it for 30 s
   */
  async hold<T>(work: () => T, signal?: AbortSignal): Promise<T> {
    return this.#taken((release) => {
      try {
        return work();
      } finally {
        release();
      }
    }, signal);
  }

  /**
   * Takes it, and keeps it until it is closed or this process ends.
   * @throws as `hold`
   */
  async keep(signal?: AbortSignal): Promise<void> {
    await this.#taken(() => undefined, signal);
  }

  /** @param use - called in the very step that takes it: another caller of this process may come before the next */
  async #taken<T>(use: (release: () => void) => T, signal?: AbortSignal): Promise<T> {
    const start = performance.now();
    for (let pause = 2; ; pause = Math.min(pause * 1.5, 25)) {
      signal?.throwIfAborted();
      const release = this.#try();
      if (release !== undefined) return use(release);
      if (performance.now() - start > patience) {
        throw new JestKubernetesError(
          'STATE_UNUSABLE',
          `the lock ${this.path} has been held for ${patience / 1000} s`,
          {
            evidence: ['it is held for milliseconds only: its holder must have been stopped'],
            remedy: `See who holds it with \`fuser ${this.path}\`, and continue or end that process.`,
          },
        );
      }
      await delay(pause * (0.5 + Math.random()), undefined, { signal });
    }
  }

  /** The way to release it, or undefined while another holds it. */
  #try(): (() => void) | undefined {
    try {
      const { database, inode } = (this.#open ??= this.#connect());
      database.exec('BEGIN EXCLUSIVE');
      // somebody may have removed the folder since it was opened: a lock on a file without a name protects nothing
      if (inodeOf(this.path) === inode) {
        return () => {
          database.exec('ROLLBACK');
        };
      }
      this.close();
      return undefined;
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      if (errcode === SQLITE_BUSY) return undefined;
      this.close();
      if (errcode !== SQLITE_NOTADB) throw unusable(this.path, error);
      // somebody wrote into it; nobody can hold it as it is, and emptying it twice does no harm
      truncateSync(this.path);
      return undefined;
    }
  }

  #connect() {
    const { DatabaseSync } = loadSqlite();
    claimStateDirectory(dirname(this.path));
    try {
      // 'wx' never opens one that is there: closing it again would drop this process's locks on it (fcntl(2))
      closeSync(openSync(this.path, 'wx', 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      accessSync(this.path, constants.R_OK | constants.W_OK);
    }
    const inode = inodeOf(this.path);
    const database = new DatabaseSync(this.path);
    // else each transaction makes a journal's file, which a full disk refuses
    database.exec('PRAGMA journal_mode = MEMORY');
    return { database, inode: inode ?? -1n };
  }

  /** Whether a process, of whatever container, has the lock of a file. Any number may look at once, and leave no trace. */
  static isHeld(path: string): boolean {
    if (inodeOf(path) === undefined) return false;
    const { DatabaseSync } = loadSqlite();
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly: true });
      database.exec('SELECT count(*) FROM sqlite_schema');
      return false;
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      if (errcode === SQLITE_BUSY) return true;
      // it went meanwhile, or somebody wrote into it, which nobody does who has it
      if (inodeOf(path) === undefined || errcode === SQLITE_NOTADB) return false;
      throw unusable(path, error);
    } finally {
      database?.close();
    }
  }

  /** Removes the file, unless a process has its lock: while it is removed, this one has. */
  static removeUnheld(path: string): void {
    if (Mutex.isHeld(path)) return;
    const mutex = new Mutex(path);
    try {
      if (mutex.#try() !== undefined) rmSync(path, { force: true });
    } finally {
      mutex.close();
    }
  }

  /** Lets go of the file; it is opened again when need be. */
  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }
}

const inodeOf = (path: string) => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
