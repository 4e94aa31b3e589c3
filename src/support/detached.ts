import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { plugAndPlayOptions } from './plug-and-play.js';

/* For processes that outlive the one that starts them. */

/** A line of the log that such a process's output is. */
export const say = (line: string): void => {
  console.log(`${new Date().toISOString()} ${line}`);
};

/** A Node.js that runs one of the package's own modules, and what it is told. */
export const nodeCommand = (module: string, ...task: readonly string[]): string[] => [
  process.execPath,
  ...plugAndPlayOptions(),
  module,
  ...task,
];

/** What a debugger or a test runner put there for this process alone. */
const ofThisProcess = ['NODE_OPTIONS', 'NODE_CHANNEL_FD', 'NODE_V8_COVERAGE'];

/**
 * By which a CI runner finds the processes that a job has left, and ends them; with what it says is to be put there by
 * those that are to stay. GitLab's ends a process group, and what lives in a session of its own is in another.
 */
const ofTheRunner: Readonly<Record<string, string | undefined>> = {
  // GitHub Actions: actions/runner, src/Runner.Worker/JobExtension.cs ends those that carry the job's id
  RUNNER_TRACKING_ID: undefined,
  // Jenkins: wiki “ProcessTreeKiller”; the first in a pipeline, the second in a freestyle project
  JENKINS_NODE_COOKIE: 'dontKillMe',
  BUILD_ID: 'dontKillMe',
};

/** The environment of a process that outlives this one. */
export function detachedEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ofThisProcess.includes(name));
  const env: NodeJS.ProcessEnv = Object.fromEntries(kept);
  for (const [name, value] of Object.entries(ofTheRunner)) if (name in env) env[name] = value;
  return env;
}

/** $1 is the log, $2 the niceness, the rest is the command. */
const script = `
log=$1 niceness=$2; shift 2
mkdir -p "\${log%/*}" 2>/dev/null
( : >>"$log" ) 2>/dev/null || log=/dev/null
exec nice -n "$niceness" "$@" >>"$log" 2>&1
`;

export interface Detached {
  /** Absolute path of the file that its output is added to; none where that cannot be written. */
  log: string;
  /** What it reads on its standard input, as JSON. */
  task: unknown;
  /** Whose it is, for readers of a list of processes. */
  stateDir: string;
  /** Default: 0. */
  niceness?: number;
}

/** Starts one of the package's own modules as such a process, and lets it go when it has been told what to do. */
export async function startDetached(
  module: string,
  { log, task, stateDir, niceness = 0 }: Detached,
): Promise<void> {
  const command = nodeCommand(module, stateDir);
  const child = spawn('/bin/sh', ['-c', script, 'jest-kubernetes', log, String(niceness), ...command], {
    detached: true,
    env: detachedEnvironment(),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  child.unref();
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(task));
  await once(child.stdin, 'close');
}
