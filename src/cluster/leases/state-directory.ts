import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { JestKubernetesError } from '../../support/errors.js';

/*
 * A folder that this package writes in, and takes things away from, is one that it made: it says so in a file of its
 * own. Should somebody name their home as the state directory, a file called `lock` in it is theirs.
 */

const markFile = 'jest-kubernetes.json';

/** What a state directory of an earlier version, which had no mark, may hold. */
const known = /^(clusters|runs|logs|lock|lock-journal|alive-.*|gone-.*|jest-kubernetes\.json\..*)$/;

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
  const others = readdirSync(stateDir).filter((entry) => !known.test(entry) && entry !== markFile);
  if (others.length > 0 || !isLock(path.join(stateDir, 'lock'))) throw foreign(stateDir, others);
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

/** Whether there is none yet, or it is an empty file, or SQLite's (mutex.ts). */
function isLock(file: string): boolean {
  const head = Buffer.alloc(16);
  let opened: number;
  try {
    opened = openSync(file, 'r');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  try {
    const length = readSync(opened, head, 0, head.length, 0);
    return length === 0 || head.toString('latin1') === 'SQLite format 3\0';
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
      evidence: [`found in it: ${others.slice(0, 5).join(', ') || 'a file lock that is not ours'}`],
      remedy: 'Name a folder that is empty, or not there yet, by JEST_KUBERNETES_STATE_DIR.',
    },
  );
}
