import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';

import { detachedEnvironment, nodeCommand } from '../../support/detached.js';
import { openStateDirectory } from '../../support/state-directory.js';
import { discardRemains, findAbandoned, findDeadRuns } from '../leases/index.js';

export interface WatchdogOptions {
  /** Absolute path. */
  stateDir: string;
  name: string;
  runId: string;
  /** Default: `kind`. */
  provider?: 'kind' | 'existing';
  /** Absolute path of the module that exports `deleteCluster` (a `DeleteCluster`). Default: `../delete-cluster.js`. */
  remover?: string;
}

export interface Watchdog {
  pid: number;
  /** The run has released its lease by itself: the watchdog goes. */
  dismiss(): void;
}

/*
 * A shell that waits in `read` for a pipe whose other end this process alone holds: about 1 MB where a Node.js would
 * cost 45. The kernel closes that end however this process dies, which needs no polling and no clock; the shell then
 * becomes the Node.js that does the work. $1 is the log, the rest is the command.
 */
const script = `
trap '' HUP INT TERM QUIT
while IFS= read -r line; do
  if [ "$line" = done ]; then exit 0; fi
done
log=$1; shift
mkdir -p "\${log%/*}" 2>/dev/null
( : >>"$log" ) 2>/dev/null || log=/dev/null
exec "$@" >>"$log" 2>&1
`;

/** The Node.js that does the work, with what it has to do. */
const command = (...task: string[]): string[] => nodeCommand(join(__dirname, 'main.js'), ...task);
const defaultRemover = join(dirname(__dirname), 'delete-cluster.js');

/** The log that a run's watchdog, or the clean-up of a state directory, writes when it has work to do. */
export const watchdogLog = (stateDir: string, runId: string): string =>
  join(stateDir, 'logs', `${runId}.log`);

/**
 * Starts the process that releases this run's lease (and deletes the cluster, if it was the last one) once this
 * process is gone without having dismissed it: by SIGKILL, by `process.exit`, or at the end of a watch. It lives in a
 * session of its own, so that no signal to this one's process group and no closed terminal reaches it, and keeps
 * neither this process nor its output open. To be started before the lease is taken, and anything written.
 * @throws JestKubernetesError STATE_UNUSABLE where the folder for that holds other things
 */
export async function startWatchdog({
  stateDir,
  name,
  runId,
  provider = 'kind',
  remover = defaultRemover,
}: WatchdogOptions): Promise<Watchdog> {
  openStateDirectory(stateDir);
  const release = command('release', stateDir, remover, name, runId, provider);
  const child = spawn(
    '/bin/sh',
    ['-c', script, 'jest-kubernetes-watchdog', watchdogLog(stateDir, runId), ...release],
    {
      cwd: '/',
      detached: true,
      env: detachedEnvironment(),
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  await once(child, 'spawn');
  child.unref();
  const pipe = child.stdin as unknown as Socket;
  pipe.unref();
  // a watchdog that was killed must not take this process with it
  pipe.on('error', () => undefined);
  return {
    pid: child.pid ?? -1,
    dismiss() {
      if (!pipe.writableEnded) pipe.end('done\n');
    },
  };
}

/**
 * Looks for clusters that nobody uses any more, and for what dead runs left in others', and has them removed by a process of its own, so that this costs a
 * run some milliseconds. The folder of a cluster whose deleter died in the last moment goes at once.
 * @returns their names
 */
export function sweep({
  stateDir,
  remover = defaultRemover,
}: Pick<WatchdogOptions, 'stateDir' | 'remover'>): string[] {
  discardRemains(stateDir);
  const abandoned = [
    ...new Set([...findAbandoned(stateDir), ...findDeadRuns(stateDir).map(({ name }) => name)]),
  ];
  if (abandoned.length === 0) return [];
  const log = watchdogLog(stateDir, `sweep-${process.pid}`);
  const task = command('sweep', stateDir, remover);
  const child = spawn('/bin/sh', ['-c', script, 'jest-kubernetes-sweep', log, ...task], {
    cwd: '/',
    detached: true,
    env: detachedEnvironment(),
    stdio: 'ignore',
  });
  child.on('error', () => undefined);
  child.unref();
  return abandoned;
}
