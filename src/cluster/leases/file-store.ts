import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { JestKubernetesError } from '../../support/errors.js';
import { standingOf } from '../../support/process-identity.js';
import { isForeign, stateDirectory, unusable } from '../../support/state-directory.js';
import { Mutex } from './mutex.js';
import { type ClusterState, describeHolder, type Holder, lostState, parseState } from './state.js';
import type { StateStore } from './store.js';
import type { Change, Found } from './transitions.js';

/*
 * <stateDir>/jest-kubernetes.json        that it is a state directory (state-directory.ts)
 * <stateDir>/lock                        the one lock, held for milliseconds; never removed
 * <stateDir>/alive-<runId>               locked by its run's process: containers that share the folder see no pids
 * <stateDir>/failed-<runId>              that a test of that run has failed
 * <stateDir>/clusters/<name>/state.json  the state, and beside it what providers keep of the cluster
 * <stateDir>/gone-*                      the folder of a deleted cluster, for the blink of an eye
 */

const isName = /^[a-z0-9][a-z0-9.-]*$/;

/** Where a cluster's state, kubeconfig and other files live. */
export const clusterFolder = (stateDir: string, name: string): string => join(stateDir, 'clusters', name);

const pulseFile = (stateDir: string, runId: string): string => join(stateDir, `alive-${runId}`);

/** Written by any process of a run, as soon as one of its tests has failed. */
export const failureMark = (stateDir: string, runId: string): string => join(stateDir, `failed-${runId}`);

/** How often a waiting run looks whether the file has changed, in milliseconds. */
const lookEvery = 50;

/** Errors of reading that are the file's own fault; others (EMFILE, EIO) say nothing of what it holds. */
const unreadable = new Set(['EACCES', 'EPERM', 'EISDIR', 'ELOOP']);

export class FileStore implements StateStore {
  readonly mayErr = false;
  readonly folder: string;
  readonly #file: string;
  /** Of no name of its own: whoever writes holds the lock, and a dead writer's may be overwritten. */
  readonly #draft: string;
  readonly #stateDir: string;
  readonly #mutex: Mutex;
  readonly #pulse: Mutex | undefined;
  #isLive = false;
  #seen: string | undefined;

  /** @param runId - on whose behalf: others see that it lives for as long as the store is open */
  constructor(
    stateDir: string,
    readonly name: string,
    runId?: string,
  ) {
    if (!isName.test(name)) throw new TypeError(`not a cluster's name: ${name}`);
    this.folder = clusterFolder(stateDir, name);
    this.#file = join(this.folder, 'state.json');
    this.#draft = `${this.#file}.new`;
    this.#stateDir = stateDir;
    this.#mutex = new Mutex(join(stateDir, 'lock'));
    this.#pulse = runId === undefined ? undefined : new Mutex(pulseFile(stateDir, runId));
  }

  async transact<Result>(change: (found: Found) => Change<Result>, signal?: AbortSignal): Promise<Result> {
    await this.#live(signal);
    const { result, removed } = await this.#mutex.hold(() => {
      try {
        const found = this.#read(true);
        const { state, result } = change(found);
        if (state !== undefined && state !== found) this.#write(state);
        const removed = state === undefined ? this.#setAside() : undefined;
        this.#seen = this.#stamp();
        return { result, removed };
      } catch (error) {
        throw unusable(this.folder, error);
      }
    }, signal);
    if (removed !== undefined) discard(removed);
    return result;
  }

  peek(): ClusterState | undefined {
    return this.#read(false);
  }

  close(): Promise<void> {
    this.#mutex.close();
    if (this.#isLive && this.#pulse !== undefined) rmSync(this.#pulse.path, { force: true });
    this.#isLive = false;
    this.#pulse?.close();
    return Promise.resolve();
  }

  /** Before the state says that this run is there: whoever reads it there must see that it lives. */
  async #live(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isLive || this.#pulse === undefined) return;
    await this.#pulse.keep(signal);
    this.#isLive = true;
  }

  async changed(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    // every write is a new file, so that a change shows; watching files fails in too many places to rely on
    while (performance.now() < end && this.#stamp() === this.#seen)
      await delay(lookEvery, undefined, { signal });
  }

  isAlive({ process, runId }: Holder): boolean {
    const standing = standingOf(process);
    if (standing === 'same kernel') return Mutex.isHeld(pulseFile(this.#stateDir, runId));
    return standing !== 'dead';
  }

  #stamp(): string | undefined {
    const found = statSync(this.#file, { bigint: true, throwIfNoEntry: false });
    return found && `${found.ino}/${found.mtimeNs}/${found.size}`;
  }

  #read(mayMove: boolean): Found {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'ENOTDIR' || (code === 'ENOENT' && this.#isEmpty())) return undefined;
      if (code === 'ENOENT') return this.#lost('is missing', mayMove);
      if (!unreadable.has(code)) throw error;
      if (mayMove) this.#refuseAnothers(code);
      return this.#lost(`cannot be read (${code})`, mayMove);
    }
    const parsed = parseState(text, this.name);
    if ('state' in parsed) return this.#withFailures(parsed.state);
    const users = parsed.users.filter((user) => this.isAlive(user));
    if (users.length > 0 && mayMove) {
      throw new JestKubernetesError(
        'STATE_UNUSABLE',
        `${this.#file} ${parsed.wrong}, and names runs that are alive`,
        {
          evidence: users.map(describeHolder),
          remedy:
            'It was written by another version of jest-kubernetes: let those runs end, use the same version, or name another folder by JEST_KUBERNETES_STATE_DIR.',
        },
      );
    }
    return this.#lost(parsed.wrong, mayMove);
  }

  /** A run's workers say that it is red by a file of their own, whatever has become of its process since. */
  #withFailures(state: ClusterState): ClusterState {
    const isRed = (runId: string): boolean => existsSync(failureMark(this.#stateDir, runId));
    return !state.failed && Object.keys(state.leases).some(isRed) ? { ...state, failed: true } : state;
  }

  /** What another user has written (by `sudo`, say) may be in use: that it cannot be read says nothing against it. */
  #refuseAnothers(code: string): void {
    const owner = lstatSync(this.#file, { throwIfNoEntry: false })?.uid;
    if (owner === undefined || owner === process.geteuid?.()) return;
    throw new JestKubernetesError('STATE_UNUSABLE', `${this.#file} is another user’s`, {
      evidence: [`it cannot be read (${code}), and its owner is the user ${owner}`],
      remedy: `Let that user end its runs (npx jest-kubernetes down ${this.name}), or name a folder of your own by JEST_KUBERNETES_STATE_DIR.`,
    });
  }

  /** Whether nothing has come of the cluster yet: a creator that dies while it writes the first state leaves a draft. */
  #isEmpty(): boolean {
    const ours = [this.#file, this.#draft].map((path) => basename(path));
    try {
      return readdirSync(this.folder).every((file) => ours.includes(file));
    } catch {
      return true;
    }
  }

  /** What cannot be read is kept for a person to look at; what it described may still exist. */
  #lost(wrong: string, mayMove: boolean): ClusterState {
    let kept = '';
    if (mayMove && lstatSync(this.#file, { throwIfNoEntry: false }) !== undefined) {
      // not beside it: the folder goes with the cluster. A watchdog prunes the logs.
      const logs = join(this.#stateDir, 'logs');
      mkdirSync(logs, { recursive: true, mode: 0o700 });
      let count = 1;
      const aside = () => join(logs, `${this.name}.state.json.bad-${count}`);
      while (existsSync(aside())) count += 1;
      renameSync(this.#file, aside());
      kept = ` (moved to ${aside()})`;
    }
    const state = lostState(this.name, `its state ${this.#file} ${wrong}${kept}`);
    if (mayMove) this.#write(state);
    return state;
  }

  #write(state: ClusterState): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(this.#draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
      // no fsync: should the power fail, no run lives to miss it, and a torn file is survived
      renameSync(this.#draft, this.#file);
    } catch (error) {
      rmSync(this.#draft, { force: true });
      throw error;
    }
  }

  /** Takes the whole folder away in one step, so that no half of it is ever found. */
  #setAside(): string | undefined {
    if (!existsSync(this.folder)) return undefined;
    const aside = join(this.#stateDir, `gone-${this.name}-${process.pid}-${process.hrtime.bigint()}`);
    renameSync(this.folder, aside);
    return aside;
  }
}

function discard(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // what stays is taken by the next sweep
  }
}

/** Of a run whose lease nobody has given back: by then nobody will. */
const isOld = (path: string): boolean => {
  const at = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return at !== undefined && Date.now() - at > 7 * 24 * 60 * 60_000;
};

/** What deleted clusters, and runs that were killed, left because there was no time to tidy up. */
export function discardRemains(stateDir: string): void {
  if (stateDirectory(stateDir) === undefined) return;
  for (const entry of entriesOf(stateDir)) {
    const path = join(stateDir, entry);
    if (entry.startsWith('gone-') || (entry.startsWith('failed-') && isOld(path))) discard(path);
    if (entry.startsWith('alive-')) discardPulse(path);
  }
}

function discardPulse(path: string): void {
  try {
    Mutex.removeUnheld(path);
  } catch {
    // another user's, say: it is for whoever can
  }
}

/** None where there is no such folder, or none to read: whoever needs it says so. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The names of all clusters that the state directory knows. */
export function clusterNames(stateDir: string): string[] {
  try {
    if (isForeign(stateDir)) return [];
    return readdirSync(join(stateDir, 'clusters'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isName.test(entry.name))
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(stateDir, error);
  }
}
