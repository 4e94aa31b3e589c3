import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { JestKubernetesError, messageOf } from './errors.js';

/*
 * A folder that this package writes in, and takes things away from, is one that it made: it says so in a file of its
 * own. Should somebody name their home as the state directory, a file called `lock` in it is theirs.
 */

const markFile = 'jest-kubernetes.json';

/** What a state directory of an earlier version, which had no mark, holds, and by what each is known for ours. */
const known: readonly (readonly [entry: RegExp, isOurs: (path: string) => boolean])[] = [
  // as a name it may be anybody's; but who made one of these had made the lock before
  [
    /^(clusters|lock-journal|alive-.*|gone-.*)$/,
    (entry) => existsSync(path.join(path.dirname(entry), 'lock')),
  ],
  [/^lock$/, isLock],
  [/^runs$/, (folder) => holdsOnly(folder, /^([0-9a-f]{8}|down-[0-9a-f]+)$/)],
  [
    /^logs$/,
    (folder) => holdsOnly(folder, /^(([0-9a-f]{8}|(sweep|down)-[0-9a-f]+)\.log|.*\.state\.json\.bad-\d+)$/),
  ],
  // half of a mark, of one that makes it now
  [/^jest-kubernetes\.json(\.[0-9a-f]+)?$/, () => true],
];

function holdsOnly(folder: string, names: RegExp): boolean {
  try {
    return readdirSync(folder).every((name) => names.test(name));
  } catch {
    return false;
  }
}

/** What in a folder is not ours; nothing where there is no folder. @throws where it cannot be read */
function foreignIn(stateDir: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(stateDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return entries.filter((entry) => {
    const isOurs = known.find(([name]) => name.test(entry))?.[1];
    return isOurs?.(path.join(stateDir, entry)) !== true;
  });
}

/** Whether a folder is somebody else's: nothing in it is what it is called. One that is not there is not. */
export function isForeign(stateDir: string): boolean {
  return stateDirectory(stateDir) === undefined && foreignIn(stateDir).length > 0;
}

interface Mark {
  /** Random: two directories of the same path, in two containers say, have others. */
  id: string;
}

/** What a directory says of itself; undefined where it is no state directory, or none yet. */
export function stateDirectory(stateDir: string): Mark | undefined {
  try {
    const mark = JSON.parse(readFileSync(path.join(stateDir, markFile), 'utf8')) as Partial<Mark>;
    return typeof mark.id === 'string' ? { id: mark.id } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes a state directory, or sees that it is one.
 * @throws JestKubernetesError STATE_UNUSABLE where it holds other things, before anything in it is touched
 */
export function claimStateDirectory(stateDir: string): Mark {
  const found = stateDirectory(stateDir);
  if (found !== undefined) return found;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const others = foreignIn(stateDir);
  if (others.length > 0) throw foreign(stateDir, others);
  const mark = path.join(stateDir, markFile);
  const draft = `${mark}.${randomBytes(4).toString('hex')}`;
  const content = {
    what: 'the state of jest-kubernetes: leases, kubeconfigs and logs',
    id: randomBytes(8).toString('hex'),
  };
  try {
    writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    // of several that come at once, one has made it
    linkSync(draft, mark);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const made = stateDirectory(stateDir);
  if (made === undefined) throw foreign(stateDir, [markFile]);
  return made;
}

/**
 * Sees whether a state directory can be used, or made, without touching anything.
 * @throws JestKubernetesError STATE_UNUSABLE
 */
export function checkStateDirectory(stateDir: string): void {
  try {
    const others = stateDirectory(stateDir) === undefined ? foreignIn(stateDir) : [];
    if (others.length > 0) throw foreign(stateDir, others);
    let there = stateDir;
    while (!existsSync(there) && path.dirname(there) !== there) there = path.dirname(there);
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(stateDir, error);
  }
}

/** Whether there is none yet, or it is an empty file, or SQLite's (mutex.ts). */
function isLock(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || (found.isFile() && found.size === 0)) return true;
  if (!found.isFile()) return false; // to open a pipe would be to wait
  const head = Buffer.alloc(16);
  const opened = openSync(file, 'r');
  try {
    readSync(opened, head, 0, head.length, 0);
    return head.toString('latin1') === 'SQLite format 3\0';
  } catch {
    return false;
  } finally {
    closeSync(opened);
  }
}

function foreign(stateDir: string, others: readonly string[]): JestKubernetesError {
  return new JestKubernetesError(
    'STATE_UNUSABLE',
    `${stateDir} is no state directory: it holds other things`,
    {
      evidence: [`found in it: ${others.slice(0, 5).join(', ')}`],
      remedy: 'Name a folder that is empty, or not there yet, by JEST_KUBERNETES_STATE_DIR.',
    },
  );
}

/** Any trouble with the state directory, as its reader needs it: path, errno, remedy. */
export function unusable(path: string, error: unknown): JestKubernetesError {
  if (error instanceof JestKubernetesError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new JestKubernetesError('STATE_UNUSABLE', `the state directory cannot be used: ${path}`, {
    evidence: [messageOf(error)],
    remedy: `${full ? 'Free some space there' : 'Make it writable'}, or name another folder on a local disk by JEST_KUBERNETES_STATE_DIR.`,
    cause: error,
  });
}

/**
 * Makes a state directory, or sees that it is one, before anything is written there.
 * @returns its id
 * @throws JestKubernetesError STATE_UNUSABLE
 */
export function openStateDirectory(stateDir: string): string {
  try {
    return claimStateDirectory(stateDir).id;
  } catch (error) {
    throw unusable(stateDir, error);
  }
}
