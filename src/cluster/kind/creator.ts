import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { JestKubernetesError } from '../../support/errors.js';
import { identifyProcess, isAlive, type ProcessIdentity } from '../../support/process-identity.js';

/** The process that creates a cluster, which any other process can find and end. */
export interface Creator {
  /** How it ended: undefined is well. Never rejects. */
  readonly ended: Promise<string | undefined>;
  /** Ends it and its children at once. */
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
      if (isAlive(identity)) killGroup(identity);
    },
  };
}

/** Its group, at most once alive again under another name: a group's number is not given away while a member lives. */
function killGroup({ pid }: ProcessIdentity): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended meanwhile
  }
}

/**
 * Ends the creator that this folder names, whoever started it, and waits until it is gone.
 * @returns whether there was one whose end nobody had seen: what it began may still be coming
 */
export async function endCreator(directory: string, signal?: AbortSignal): Promise<boolean> {
  const identity = readCreator(directory);
  if (identity === undefined) return false;
  if (isAlive(identity)) killGroup(identity);
  while (isAlive(identity)) await sleep(20, undefined, signal === undefined ? {} : { signal });
  return true;
}

/** To be called when a creator was seen to end: nothing of it can come any more. */
export function forgetCreator(directory: string): void {
  rmSync(creatorFile(directory), { force: true });
}

function creatorFile(directory: string): string {
  return path.join(directory, 'creator.json');
}

function writeCreator(directory: string, identity: ProcessIdentity): void {
  const file = creatorFile(directory);
  writeFileSync(`${file}.new`, JSON.stringify(identity));
  renameSync(`${file}.new`, file);
}

function readCreator(directory: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(
      readFileSync(creatorFile(directory), 'utf8'),
    ) as Partial<ProcessIdentity>;
    // 0 and 1 would be every process that may be signalled
    return Number.isSafeInteger(pid) && Number(pid) > 1 && typeof startedAt === 'string'
      ? { pid: Number(pid), startedAt }
      : undefined;
  } catch {
    return undefined;
  }
}
