import { plugAndPlayOptions } from './plug-and-play.js';

/* For processes that outlive the one that starts them. */

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
