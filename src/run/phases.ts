import type { Limits } from '../config/config.js';
import { formatSeconds } from '../report/index.js';
import type { PhaseLine, Progress, Report } from '../report/index.js';
import { orAborted } from '../support/abort.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';

/** One step of a run: what it is called, what must be done before it, how long it may stand still, and what it does. */
export interface Phase {
  name: string;
  /** What a reader sees. */
  title: string;
  /** Names of the phases and milestones that must have been reached before; others run side by side. */
  after: readonly string[];
  limits: Limits;
  /** @returns what is worth knowing of it, such as `98 MB` */
  work(step: { signal: AbortSignal; progress: Progress }): Promise<string | undefined>;
}

/** What a phase did and when, in milliseconds since the first one's start. */
export interface TimelineEntry {
  phase: string;
  start: number;
  end: number;
  outcome: 'done' | 'failed' | 'cancelled';
  detail: string;
}

export interface RunPhasesOptions {
  signal: AbortSignal;
  report: Report;
  timeline?: TimelineEntry[];
  milestones?: Readonly<Record<string, Promise<unknown>>>;
}

/**
 * Runs phases as a graph: each starts when those it comes after have ended. The first failure ends the others,
 * and is thrown when all have come to rest, so that nothing still works when the clean-up begins.
 *
 * @param options.milestones - what phases can come after besides phases: promises by name
 * @throws the first failure; STALLED or TIMED_OUT where a phase's limits ended it
 */
export async function runPhases(
  phases: readonly Phase[],
  { signal, report, timeline = [], milestones = {} }: RunPhasesOptions,
): Promise<void> {
  const origin = performance.now();
  const failure = new AbortController();
  const stopped = AbortSignal.any([signal, failure.signal]);
  const { promise: end, reject: endAll } = Promise.withResolvers<never>();
  stopped.addEventListener('abort', () => {
    endAll(stopped.reason);
  });
  const ends = new Map<string, Promise<unknown>>();
  for (const [name, reached] of Object.entries(milestones)) {
    // one that a failure has put out of reach must not be waited for
    const orEnd = Promise.race([reached, end]);
    orEnd.catch(() => undefined);
    ends.set(name, orEnd);
  }
  end.catch(() => undefined);

  const endOf = (name: string): Promise<unknown> => {
    const known = ends.get(name);
    if (known !== undefined) return known;
    const phase = phases.find((candidate) => candidate.name === name);
    if (phase === undefined) throw new Error(`nothing is called ${name}`);
    const ended = Promise.all(phase.after.map(endOf)).then(() => runPhase(phase));
    ends.set(name, ended);
    return ended;
  };

  const runPhase = async (phase: Phase): Promise<void> => {
    stopped.throwIfAborted();
    const line = report.phase(phase.title);
    const start = performance.now() - origin;
    const record = (outcome: TimelineEntry['outcome'], detail: string): void => {
      line.end(outcome, detail);
      timeline.push({ phase: phase.name, start, end: performance.now() - origin, outcome, detail });
    };
    try {
      record('done', (await bounded(phase, line, stopped)) ?? '');
    } catch (error) {
      const cancelled = stopped.aborted;
      record(cancelled ? 'cancelled' : 'failed', cancelled ? '' : firstLine(messageOf(error)));
      failure.abort(error);
      throw error;
    }
  };

  await Promise.allSettled(phases.map((phase) => endOf(phase.name)));
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
}

/** Does a phase's work within its limits: the stall clock starts anew whenever something has moved. */
async function bounded(phase: Phase, line: PhaseLine, stopped: AbortSignal): Promise<string | undefined> {
  const limit = new AbortController();
  const signal = AbortSignal.any([stopped, limit.signal]);
  let awaited = '';
  let seen = '';
  const exceed = (code: 'STALLED' | 'TIMED_OUT', sentence: string): void => {
    const evidence = [
      ...(awaited === '' ? [] : [`it was waiting for ${awaited}`]),
      ...(seen === '' ? [] : [`last seen: ${seen}`]),
    ];
    limit.abort(new JestKubernetesError(code, sentence, { evidence }));
  };
  const { stall, total } = phase.limits;
  using _totalTimer = new AwakeTimer(total, () => {
    exceed('TIMED_OUT', `“${phase.title}” was not done within ${formatSeconds(total)}`);
  });
  using stallTimer = new AwakeTimer(stall, () => {
    exceed('STALLED', `“${phase.title}” has not moved for ${formatSeconds(stall)}`);
  });
  const progress: Progress = {
    moved: (detail) => {
      if (detail !== undefined) seen = detail;
      stallTimer.restart();
      line.moved(detail);
    },
    waitingFor: (what) => {
      awaited = what;
      line.waitingFor(what);
    },
    note: (text) => {
      line.note(text);
    },
  };
  const work = phase.work({ signal, progress });
  try {
    // work that does not heed its signal must not hold up the end of the run
    return await orAborted(work, signal);
  } finally {
    await settledWithin(work, 5000);
  }
}

async function settledWithin(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([
    work.then(
      () => undefined,
      () => undefined,
    ),
    patience,
  ]);
  clearTimeout(timer);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
