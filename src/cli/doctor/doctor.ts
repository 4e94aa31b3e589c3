import { type Config, configWithoutFile } from '../../config/index.js';
import { detectRuntime } from '../../runtime/index.js';
import { orAborted } from '../../support/abort.js';
import { JestKubernetesError, messageOf } from '../../support/errors.js';
import { configHere } from '../here.js';
import { columns, print, style, wrapped } from '../output.js';
import { checks } from './checks.js';
import { type Examine, type Finding, type Patient, problem, type Status } from './finding.js';

/** How long one check may take, in milliseconds. */
const limit = 15_000;

const marks = {
  ok: style('green', '✓'),
  warning: style('yellow', '!'),
  problem: style('red', '✗'),
} as const satisfies Record<Status, string>;

/**
 * Looks at everything that a run needs, and says how to mend what is not there; starts nothing, and changes nothing. The
 * exit status is 0 where a run can work.
 */
export async function doctor({ json }: { json: boolean }): Promise<void> {
  const patient = patientHere();
  const found = checks.map(({ name, examine }) => ({ name, finding: findingOf(examine, patient) }));
  const all: ({ name: string } & Finding)[] = [];
  for (const { name, finding } of found) {
    const seen = await finding;
    if (seen === undefined) continue;
    all.push({ name, ...seen });
    if (!json) console.log(lineOf(name, seen));
  }
  const broken = all.filter(({ status }) => status === 'problem').map(({ name }) => name);
  if (json) print({ works: broken.length === 0, checks: all.map(plain) });
  else
    console.log(
      broken.length === 0 ? '\nA run can work here.' : `\nA run cannot work here: see ${broken.join(', ')}.`,
    );
  if (broken.length > 0) process.exitCode = 1;
}

function patientHere(): Patient {
  const { env } = process;
  const folder = process.cwd();
  const signal = AbortSignal.timeout(limit);
  const config: Promise<Config> = configHere();
  const settings = config.catch(() => configWithoutFile(folder));
  const engine = settings.then(({ runtime }) => detectRuntime({ env, preferred: runtime, signal }));
  // each check that needs one tells of it
  for (const each of [settings, engine]) each.catch(() => undefined);
  return { env, folder, config, settings, engine, signal };
}

/** What goes wrong is what is found. */
async function findingOf(examine: Examine, patient: Patient): Promise<Finding | undefined> {
  try {
    return await orAborted(
      Promise.resolve().then(() => examine(patient)),
      patient.signal,
    );
  } catch (error) {
    if (error === patient.signal.reason)
      return { status: 'warning', seen: `no answer within ${limit / 1000} s` };
    if (!(error instanceof JestKubernetesError)) return problem(messageOf(error));
    return problem([`${error.message} (${error.code})`, ...error.evidence].join('\n'), error.remedy);
  }
}

/** As JSON has it. */
function plain({ name, status, seen, remedy }: { name: string } & Finding): Record<string, string | null> {
  return { name, status, seen, remedy: typeof remedy === 'object' ? remedy.command : (remedy ?? null) };
}

const nameWidth = Math.max(...checks.map(({ name }) => name.length));
/** Below it, a name has a line of its own. */
const wide = 60;

function lineOf(name: string, { status, seen, remedy }: Finding): string {
  const isWide = columns() >= wide;
  const indent = isWide ? nameWidth + 5 : 3;
  // a command is to be copied: its line is left to the terminal
  const mended = typeof remedy === 'string' ? wrapped(`→ ${remedy}`, indent) : `→ ${remedy?.command ?? ''}`;
  const text = [wrapped(seen, indent), ...(remedy === undefined ? [] : [mended])];
  const below = `\n${' '.repeat(indent)}`;
  return ` ${marks[status]} ${isWide ? name.padEnd(nameWidth + 2) : `${name}${below}`}${text.join(below)}`;
}
