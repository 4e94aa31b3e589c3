import { Readable } from 'node:stream';

import { type Api, type CommandEnd, ExecRefused, inChunks, runInPod } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';
import { lastLines } from '../support/lines.js';
import { cluster } from './cluster.js';
import { Collected } from './collected.js';
import { containerEnd } from './container-end.js';
import { socketRefusal } from './refusal.js';
import {
  type ContainerOptions,
  describeContainer,
  type RunningContainer,
  runningContainer,
} from './running-container.js';
import type { Target } from './target.js';
import { currentScope } from './test-file.js';

export interface ExecOptions extends ContainerOptions {
  /**
   * What the command reads, to its end: where it leaves more than some 64 kB of it, Kubernetes may never say that it has
   * ended, to kubectl neither. It ends, too, where the command closes its output, as a list does that begins with
   * `sh -c 'cat > file'`; a text's shell keeps it open. Default: nothing.
   */
  stdin?: string | Uint8Array | Readable | undefined;
  /** Whether an exit code other than 0 is an error. Default: false. */
  check?: boolean | undefined;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** How long a container that runs may be unknown to its kubelet, in milliseconds: one that restarts just now. */
const execPatience = 3000;

/**
 * Runs a command in a container: of a pod, or of a pod of a workload or service.
 *
 * It comes back when the command has ended, whatever its exit code; with `check: true` an exit code other than 0 is an
 * error, which tells what the command wrote to stderr. The end of its test ends it.
 *
 * @param command - text is run by the container's shell (`sh -c`), so that pipes and variables work; a list is the program
 *   and its arguments, without a shell
 * @example
 * const { stdout, exitCode } = await exec('deployment/web', ['cat', '/etc/hostname']);
 * await exec('pod/db-0', 'psql -v ON_ERROR_STOP=1', { stdin: 'create table t (id int)', check: true });
 * @throws JestKubernetesError TARGET_INVALID where there is no such target, or container; POD_NOT_READY where none runs,
 *   or it ends before the command does;
 *   EXEC_FAILED where the program is not there, and with `check`; FORBIDDEN; NO_CLUSTER
 */
export async function exec(
  target: Target,
  command: string | readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const scope = currentScope();
  const { stdin, check = false } = options;
  const words = wordsOf(command);
  const input = inputOf(stdin);
  const staying = typeof command === 'string' && input !== undefined ? asShell(command) : words;
  const { api } = cluster();
  const place = await runningContainer(target, { ...options, scope });
  const [stdout, stderr] = [new Collected(), new Collected()];
  const { exitCode } = await ranIn(api, place, {
    command: staying,
    input,
    stdout,
    stderr,
    signal: scope.signal,
  });
  const result = { stdout: stdout.text, stderr: stderr.text, exitCode };
  if (check && exitCode !== 0) {
    throw new JestKubernetesError(
      'EXEC_FAILED',
      `${describe(words, place)} ended with exit code ${exitCode}`,
      {
        evidence: lastLines(result.stderr || result.stdout),
      },
    );
  }
  return result;
}

/**
 * Run by a shell that stays until its end. One that becomes its last command instead, as most do, has with `cat > file` no output
 * any more, and containerd then closes the input too (seen with its release 2: 0.2 MB of 5 MB, and exit code 0).
 */
const asShell = (text: string): string[] => ['sh', '-c', `${text}\nexit $?`];

const describe = (words: readonly string[], place: RunningContainer): string =>
  `‘${words.join(' ')}’ in ${describeContainer(place)}`;

function wordsOf(command: string | readonly string[]): readonly string[] {
  const words = typeof command === 'string' ? ['sh', '-c', command] : [...command];
  if (words.length === 0 || words[0] === '' || command.length === 0)
    throw new JestKubernetesError('EXEC_FAILED', 'There is no command to run', {
      remedy: "Give a text, which a shell runs, or a list: exec('pod/web', ['ls', '/'])",
    });
  return words;
}

function inputOf(stdin: ExecOptions['stdin']): Readable | undefined {
  if (stdin === undefined || stdin instanceof Readable) return stdin;
  return Readable.from(inChunks(typeof stdin === 'string' ? Buffer.from(stdin) : Buffer.from(stdin)));
}

type Streams = Pick<Parameters<typeof runInPod>[1], 'command' | 'input' | 'stdout' | 'stderr' | 'signal'>;

/**
 * Runs it.
 * @throws JestKubernetesError EXEC_FAILED where the program is not there; POD_NOT_READY where the container ends before it
 *   does; FORBIDDEN
 */
export async function ranIn(api: Api, place: RunningContainer, streams: Streams): Promise<CommandEnd> {
  const [over, gone] = [new AbortController(), new AbortController()];
  containerEnd(api, place, AbortSignal.any([streams.signal, over.signal])).then(
    (how) => {
      gone.abort(
        new JestKubernetesError(
          'POD_NOT_READY',
          `Nothing more is heard of ${describe(streams.command, place)}: the container has ended meanwhile`,
          { evidence: [how] },
        ),
      );
    },
    () => undefined,
  );
  let end: CommandEnd;
  try {
    const signal = AbortSignal.any([streams.signal, gone.signal]);
    end = await runInPod(api, { ...place, ...streams, signal, patience: execPatience });
  } catch (error) {
    if (!(error instanceof ExecRefused)) throw error;
    throw socketRefusal(`run ${describe(streams.command, place)}`, error);
  } finally {
    over.abort();
  }
  if (end.refusal === undefined) return end;
  const isMissing = /executable file not found|no such file or directory/.test(end.refusal);
  throw new JestKubernetesError(
    'EXEC_FAILED',
    isMissing
      ? `There is no program ‘${streams.command[0] ?? ''}’ in ${describeContainer(place)}`
      : `Cannot start ${describe(streams.command, place)}`,
    {
      evidence: [runtimeWords(end.refusal)],
      remedy:
        isMissing && streams.command[0] === 'sh'
          ? "The image has no shell, which a command given as text is run by: give a list, as exec('pod/web', ['/app', '--version'])"
          : undefined,
    },
  );
}

/** Of the chain of those that passed it on, the last says why. */
const runtimeWords = (refusal: string): string =>
  /unable to start container process: (.*)$/s.exec(refusal)?.[1] ?? refusal;
