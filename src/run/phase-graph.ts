import type { Limits } from '../config/index.js';
import type { Scope } from '../diagnose/index.js';
import {
  type Detail,
  formatSeconds,
  inWords,
  type PhaseLine,
  type Progress,
  type Report,
  silent,
  type TimelineEntry,
} from '../report/index.js';
import { orAborted } from '../support/abort.js';
import { AwakeTimer } from '../support/awake-timer.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';

/** What a phase's work is given. */
export interface Step {
  signal: AbortSignal;
  progress: Progress;
}

/** One phase of a run: what it is called, what must be done before it, how long it may stand still, and what it does. */
export interface Phase {
  name: string;
  /** What a reader sees; default: nothing, as it is done in a moment. */
  title?: string | undefined;
  /** Names of the phases and milestones that must have been reached before; others run side by side. */
  after: readonly string[];
  limits: Limits;
  /** Where in the cluster its failure may have a cause. Default: nowhere. */
  within?: Scope;
  /** @returns what is worth knowing of it, such as `98 MB` */
  work(step: Step): Promise<string | undefined>;
}

export interface PhaseGraphOptions {
  signal: AbortSignal;
  report: Report;
  timeline?: TimelineEntry[];
}

/**
 * Phases as a graph: each starts when those it comes after have ended. The first failure ends the others, and is
 * thrown when all have come to rest, so that nothing still works when the clean-up begins.
 */
export class PhaseGraph {
  /** Aborted by the signal from outside, or by the first failure, which is then its reason. */
  readonly stopped: AbortSignal;
  readonly #failure = new AbortController();
  readonly #origin = performance.now();
  readonly #milestones = new Map<string, Promise<unknown>>();
  readonly #ends = new Map<string, Promise<unknown>>();
  readonly #report: Report;
  readonly #timeline: TimelineEntry[];

  constructor({ signal, report, timeline = [] }: PhaseGraphOptions) {
    this.stopped = AbortSignal.any([signal, this.#failure.signal]);
    this.#report = report;
    this.#timeline = timeline;
  }

  /**
   * Starts phases; one whose name was started before is that one.
   * @param milestones - what phases can come after besides phases: promises by name
   */
  start(phases: readonly Phase[], milestones: Readonly<Record<string, Promise<unknown>>> = {}): void {
    for (const [name, reached] of Object.entries(milestones)) {
      // one that a failure has put out of reach must not be waited for
      this.#milestones.set(name, quietly(orAborted(reached, this.stopped)));
    }
    const endOf = (name: string): Promise<unknown> => {
      const known = this.#ends.get(name) ?? this.#milestones.get(name);
      if (known !== undefined) return known;
      const phase = phases.find((candidate) => candidate.name === name);
      if (phase === undefined) throw new Error(`nothing is called ${name}`);
      const end = quietly(Promise.all(phase.after.map(endOf)).then(() => this.#run(phase)));
      this.#ends.set(name, end);
      return end;
    };
    for (const { name } of phases) void endOf(name);
  }

  /** Something else has failed, which ends the phases that run. */
  fail(error: unknown): void {
    this.#failure.abort(error);
  }

  /** @throws the first failure; STALLED or TIMED_OUT where a phase's limits ended it */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ends.values());
    this.stopped.throwIfAborted();
  }

  async #run(phase: Phase): Promise<void> {
    this.stopped.throwIfAborted();
    const line: Line = phase.title === undefined ? silentLine : this.#report.phase(phase.title);
    const start = performance.now() - this.#origin;
    const record = (outcome: TimelineEntry['outcome'], detail: string): void => {
      line.end(outcome, detail);
      this.#timeline.push({
        phase: phase.name,
        start,
        end: performance.now() - this.#origin,
        outcome,
        detail,
      });
    };
    try {
      record('done', (await bounded(phase, line, this.stopped)) ?? '');
    } catch (error) {
      const cancelled = this.stopped.aborted;
      record(cancelled ? 'cancelled' : 'failed', cancelled ? '' : firstLine(messageOf(error)));
      this.#failure.abort(error);
      throw error;
    }
  }
}

type Line = Pick<PhaseLine, keyof Progress | 'end'>;

const silentLine: Line = { ...silent, end: () => undefined };

/** How it fails, `settled` tells. */
function quietly(end: Promise<unknown>): Promise<unknown> {
  end.catch(() => undefined);
  return end;
}

/** Does a phase's work within its limits: the stall clock starts anew whenever something has moved. */
async function bounded(phase: Phase, line: Progress, stopped: AbortSignal): Promise<string | undefined> {
  const limit = new AbortController();
  const signal = AbortSignal.any([stopped, limit.signal]);
  let awaited = '';
  let seen: Detail = '';
  const exceed = (code: 'STALLED' | 'TIMED_OUT', sentence: string): void => {
    const evidence = [
      ...(awaited === '' ? [] : [`it was waiting for ${awaited}`]),
      ...(seen === '' ? [] : [`last seen: ${inWords(seen)}`]),
    ];
    limit.abort(new JestKubernetesError(code, sentence, { evidence }));
  };
  const { name, title = name } = phase;
  const { stall, total } = phase.limits;
  using _totalTimer = new AwakeTimer(total, () => {
    exceed('TIMED_OUT', `“${title}” was not done within ${formatSeconds(total)}`);
  });
  using stallTimer = new AwakeTimer(stall, () => {
    exceed('STALLED', `“${title}” has not moved for ${formatSeconds(stall)}`);
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
