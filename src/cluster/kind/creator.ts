import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { pause } from '../../support/abort.js';
import { JestKubernetesError } from '../../support/errors.js';
import {
  type GroupMember,
  groupMembers,
  identifyProcess,
  type ProcessIdentity,
  runsHere,
  standingOf,
} from '../../support/process-identity.js';

/** The process that creates a cluster, which any other process can find and end. */
export interface Creator {
  /** How it ended: undefined is well. Never rejects. */
  readonly ended: Promise<string | undefined>;
  /** Ends it and its children at once, but for those that are asking for a container: see {@link endCreator}. */
  kill(): void;
}

/**
 * Starts a command so that, from its first instruction on, whoever cleans up can find it: a shell in a process
 * group of its own waits at the gate until its identity is on disk, then becomes the command. Should this process
 * die before that, the gate never opens.
 * @throws JestKubernetesError CLUSTER_CREATE_FAILED when no process can be started
 */
export async function startCreator(
  directory: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<Creator> {
  const child = spawn('/bin/sh', ['-c', 'read _ && exec "$0" "$@"', command, ...args], {
    detached: true,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => {
      resolve(`could not be started: ${error.message}`);
    });
    child.on('close', (code, signal) => {
      resolve(
        code === 0
          ? undefined
          : signal === null
            ? `ended with status ${code ?? 0}`
            : `was ended by ${signal}`,
      );
    });
  });
  // a gate that is gone already tells so by `ended`
  child.stdin.on('error', () => undefined);
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', onLine);

  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) {
    throw new JestKubernetesError('CLUSTER_CREATE_FAILED', 'kind could not be started', {
      evidence: [`${command} ${(await ended) ?? 'ended at once'}`],
    });
  }
  writeCreator(directory, identity);
  child.stdin.end('\n');
  return {
    ended: ended.finally(() => undefined),
    kill: () => {
      if (!runsHere(identity)) return;
      killBut(identity, asksForContainer);
      try {
        writeCreator(directory, { ...identity, ended: true });
      } catch {
        // on a full disk, say: then its containers are waited for longer than need be
      }
    },
  };
}

/** What a `docker run` has asked for, the engine brings, whether its client lives on or not. */
const asksForContainer = ({ command }: GroupMember): boolean => / run .*io\.x-k8s\.kind\./.test(command);

/**
 * The leader first, so that nothing new is started. A group's number is not given away while a member lives.
 * @returns all that were found of the group
 */
function killBut(leader: ProcessIdentity, spared: (member: GroupMember) => boolean): GroupMember[] {
  if (runsHere(leader)) kill(leader.pid);
  const members = groupMembers(leader.pid);
  for (const member of members) if (!spared(member)) kill(member.pid);
  return members;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended meanwhile
  }
}

/** How long a `docker run` may take to come to its end, in milliseconds; it takes one or two seconds. */
const runLimit = 60_000;

/**
 * Ends the creator of a cluster that its folder names, whoever started it, and waits until it is gone. Those of its
 * children that are asking the engine for a container end by themselves: then the container is there, and can be removed.
 * @returns whether a container may still come: of a creator that had been ended by somebody else, or a child that
 * did not come to its end
 */
export async function endCreator(directory: string, name: string, signal?: AbortSignal): Promise<boolean> {
  const creator = readCreator(directory);
  if (creator === undefined) return false;
  const standing = standingOf(creator);
  // whatever has its number here is somebody else
  if (standing === 'same kernel' || standing === 'elsewhere') return !creator.ended;
  const found = standing === 'alive';
  if (!found && identifyProcess(creator.pid) !== undefined) return !creator.ended; // its number is another's by now
  // without its leader, a group of that number is ours only where it speaks of this cluster
  const isOurs = ({ command }: GroupMember): boolean => found || command.includes(name);
  const deadline = performance.now() + runLimit;
  for (;;) {
    const late = performance.now() > deadline;
    const spared = (member: GroupMember): boolean => !isOurs(member) || (asksForContainer(member) && !late);
    const left = killBut(creator, spared).filter(isOurs);
    if (left.length === 0) return !(found || creator.ended);
    if (late) return true;
    await pause(20, signal);
  }
}

/** To be called when a creator was seen to end: nothing of it can come any more. */
export function forgetCreator(directory: string): void {
  rmSync(creatorFile(directory), { force: true });
}

function creatorFile(directory: string): string {
  return path.join(directory, 'creator.json');
}

interface CreatorRecord extends ProcessIdentity {
  /** By one of us, who has left its `docker run`s alone. */
  ended?: boolean;
}

function writeCreator(directory: string, record: CreatorRecord): void {
  const file = creatorFile(directory);
  writeFileSync(`${file}.new`, JSON.stringify(record));
  renameSync(`${file}.new`, file);
}

function readCreator(directory: string): (CreatorRecord & { ended: boolean }) | undefined {
  try {
    const record = JSON.parse(readFileSync(creatorFile(directory), 'utf8')) as Partial<CreatorRecord>;
    const { pid, startedAt, ended } = record;
    // 0 and 1 would be every process that may be signalled
    return Number.isSafeInteger(pid) && Number(pid) > 1 && typeof startedAt === 'string'
      ? { ...record, pid: Number(pid), startedAt, ended: ended === true }
      : undefined;
  } catch {
    return undefined;
  }
}
