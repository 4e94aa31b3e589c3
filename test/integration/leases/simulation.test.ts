import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import {
  type ClusterState,
  deleteAbandoned,
  type DeleteCluster,
  takeDown,
} from '../../../src/cluster/leases/index.js';
import { Random } from '../../random.js';
import { compileSource } from './compiled.js';

/*
 * Fifty real processes on ten clusters, six of them in one state directory. In a round, some of a cluster's five
 * processes each start a run on it at once; some are killed, at a point of their plan or from outside at any moment.
 * After the round the cluster's own log is read. The other four lie where no sweep comes by: what a watchdog should do
 * there, only a watchdog can have done. The seed decides the plans, the operating system in which order they meet.
 */
const seed = Number(process.env['SIMULATION_SEED'] ?? 20_240_817);
const rounds = Number(process.env['SIMULATION_ROUNDS'] ?? 2000);
const lanes = 10;
const unsweptLanes = 4;
const processesPerLane = 5;
const deadly = 0.1;

/** The seeded numbers, and what is chosen by them here. */
function randomNumbers(start: number) {
  const { next } = new Random(start);
  const below = (end: number) => Math.floor(next() * end);
  return { next, below, oneOf: <T>(values: readonly T[]) => values[below(values.length)] as T };
}
type Numbers = ReturnType<typeof randomNumbers>;

const waysToDie = [
  ...['acquired', 'creating', 'created', 'using', 'doing images', 'doing manifests'],
  ...['finished', 'deleting', 'deleted', 'from outside'],
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((write) => [`before write ${write}`, `after write ${write}`]),
] as const;

interface Event {
  event: 'created' | 'deleting' | 'deleted' | 'done' | 'violation';
  pid: number;
  life?: string;
  key?: string;
  what?: string;
}

/** Watchdogs and other lanes' sweeps may still be at it; 20 s is for a machine that is nearly standing still. */
async function settled(isOver: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !isOver() && performance.now() < end;) await delay(5);
}

/** Of all runs' processes. */
const pids = new Set<number>();

/** A run's process, replaced when it has died. */
class Actor {
  #child: ChildProcess | undefined;
  constructor(readonly compiled: string) {}

  /** What the run came to; undefined when its process died. */
  async run(plan: object, killAfter: number | undefined): Promise<string | undefined> {
    this.#child ??= fork(join(__dirname, 'simulated-process.js'), [this.compiled], { execArgv: [] });
    const child = this.#child;
    if (child.pid !== undefined) pids.add(child.pid);
    const outcome = new Promise<string | undefined>((resolve) => {
      child.once('message', (message: { outcome: string; error?: string }) => {
        resolve(message.error ?? message.outcome);
      });
      child.once('exit', () => {
        this.#child = undefined;
        resolve(undefined);
      });
    });
    child.send(plan);
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    const result = await outcome;
    clearTimeout(timer);
    child.removeAllListeners('message').removeAllListeners('exit');
    // killed after it had answered: it is on its way out
    if (child.killed) this.#child = undefined;
    return result;
  }

  end() {
    this.#child?.disconnect();
  }
}

describe(`${rounds} rounds of ${lanes * processesPerLane} processes that join, finish and die (SIMULATION_SEED=${seed})`, () => {
  const base = mkdtempSync(join(tmpdir(), 'jest-kubernetes-simulation-'));
  const sweptDir = join(base, 'state');
  const unsweptDir = join(base, 'unswept');
  let compiled: ReturnType<typeof compileSource>;
  const actors: Actor[] = [];
  const figures = {
    runs: 0,
    created: 0,
    joined: 0,
    refused: 0,
    deaths: 0,
    lives: 0,
    deletions: 0,
    byWatchdogs: 0,
    kept: 0,
    work: 0,
  };
  const problems: string[] = [];

  beforeAll(() => {
    compiled = compileSource();
  }, 60_000);
  afterAll(() => {
    for (const actor of actors) actor.end();
    compiled.remove();
    rmSync(base, { recursive: true, force: true });
  });

  /** One cluster's rounds, one after the other. */
  async function lane(number: number, random: Numbers): Promise<void> {
    const name = `lane-${number}`;
    const folder = join(base, name);
    const swept = number >= unsweptLanes;
    const stateDir = swept ? sweptDir : unsweptDir;
    mkdirSync(join(folder, 'users'), { recursive: true });
    const own = Array.from({ length: processesPerLane }, () => new Actor(compiled.folder));
    actors.push(...own);
    const { deleteCluster } = jest.requireActual<{ deleteCluster: DeleteCluster }>('./simulated-cluster.js');
    const isGone = () =>
      !existsSync(join(stateDir, 'clusters', name)) && !existsSync(join(folder, 'container'));

    for (let round = 0; round < rounds / lanes; round += 1) {
      const last = round + 1 >= rounds / lanes;
      // who cleans up after the dead: their watchdogs, a sweep, or the next round's runs
      const cleaner = swept ? 'sweep' : 'watchdog';
      const after = last
        ? cleaner
        : random.oneOf(['watchdog', cleaner, cleaner, 'nobody', 'nobody', 'nobody'] as const);
      const keep = random.next() < 0.05 ? random.oneOf(['always', 'on-failure'] as const) : 'never';
      const outcomes = await Promise.all(
        own.slice(0, 1 + random.below(processesPerLane)).map((actor) => {
          const dieAt = random.next() < deadly ? random.oneOf(waysToDie) : undefined;
          const plan = {
            ...{ name, folder, stateDir, keep, dieAt, runId: randomUUID() },
            image: random.next() < 0.02 ? 'other' : 'usual',
            watchdog: !swept || after === 'watchdog',
            fails: random.next() < 0.1,
            pauses: Array.from({ length: 4 }, () => random.below(6)),
          };
          return actor.run(plan, dieAt === 'from outside' ? random.below(25) : undefined);
        }),
      );
      for (const outcome of outcomes) {
        figures.runs += 1;
        if (outcome === undefined) figures.deaths += 1;
        else if (outcome === 'refused') figures.refused += 1;
        else if (outcome.startsWith('create, ')) figures.created += 1;
        else if (outcome.startsWith('join, ')) figures.joined += 1;
        else problems.push(`${name}, round ${round}: ${outcome}`);
      }
      if (after !== 'nobody') {
        const deaths = outcomes.filter((outcome) => outcome === undefined).length;
        const state = () => readState(stateDir, name);
        const stateKept = () => wasKept(state());
        if (after === 'sweep') {
          const onFailure = (_: string, error: unknown) =>
            problems.push(`${name}, round ${round}: ${String(error)}`);
          await deleteAbandoned({ stateDir, deleteCluster, onFailure });
        }
        await settled(() => isGone() || stateKept());
        if (stateKept()) {
          figures.kept += 1;
          await takeDown({ stateDir, name, deleteCluster });
        }
        if (!isGone())
          problems.push(
            `${name}, round ${round}: left behind after ${after}, with ${deaths} deaths: ${JSON.stringify(state())}`,
          );
      }
      check(name, round, folder);
      if (problems.length > 0) return;
    }
  }

  function readState(stateDir: string, name: string): ClusterState | undefined {
    try {
      return JSON.parse(readFileSync(join(stateDir, 'clusters', name, 'state.json'), 'utf8')) as ClusterState;
    } catch {
      return undefined;
    }
  }

  /** Also when nobody was left to say so: all its runs were killed, and one of them had asked for it. */
  function wasKept(state: ClusterState | undefined): boolean {
    return (
      state?.phase === 'ready' && (state.keep === 'always' || (state.keep === 'on-failure' && state.failed))
    );
  }

  const lives = new Map<string, { alive: string | undefined; done: Set<string>; read: number }>();

  /** The cluster's own account of the rounds so far. */
  function check(name: string, round: number, folder: string): void {
    const found = lives.get(name) ?? { alive: undefined, done: new Set<string>(), read: 0 };
    lives.set(name, found);
    const text = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '';
    const events = text.slice(found.read).split('\n').filter(Boolean);
    found.read = text.length;
    for (const line of events) {
      const { event, pid, life, key, what } = JSON.parse(line) as Event;
      const problem = (words: string) => problems.push(`${name}, round ${round}: ${words}`);
      if (event === 'violation') problem(what ?? '');
      if (event === 'created') {
        figures.lives += 1;
        if (found.alive !== undefined) problem(`${life ?? ''} was created while ${found.alive} lived`);
        found.alive = life;
        found.done.clear();
      }
      if (event === 'deleted') {
        figures.deletions += 1;
        if (pid !== process.pid && !pids.has(pid)) figures.byWatchdogs += 1;
        if (found.alive !== life) problem(`${life ?? ''} was deleted, but ${found.alive ?? 'nothing'} lived`);
        found.alive = undefined;
      }
      if (event === 'done') {
        figures.work += 1;
        if (found.done.has(key ?? '')) problem(`${key ?? ''} was done twice in ${life ?? ''}`);
        found.done.add(key ?? '');
      }
    }
  }

  test(
    'one creation and one deletion in each life, none of them while somebody uses it, and nothing left',
    async () => {
      const start = performance.now();
      const random = randomNumbers(seed);
      const seeds = Array.from({ length: lanes }, () => random.below(2 ** 32));
      await Promise.all(seeds.map((own, number) => lane(number, randomNumbers(own))));

      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stderr.write(
        `simulation: seed ${seed}, ${rounds} rounds in ${seconds} s; ${Object.entries(figures)
          .map(([what, count]) => `${what} ${count}`)
          .join(', ')}\n`,
      );
      expect(problems).toEqual([]);
      expect(figures.deletions).toBe(figures.lives);
      expect(figures.lives).toBeGreaterThan(rounds / 4);
      expect(figures.deaths).toBeGreaterThan(rounds / 40);
      expect(figures.byWatchdogs).toBeGreaterThan(rounds / 200);
      const left = () =>
        [sweptDir, unsweptDir].flatMap((stateDir) => [
          ...readdirSync(join(stateDir, 'clusters')),
          ...readdirSync(stateDir).filter((entry) => entry.startsWith('gone-')),
        ]);
      await settled(() => left().length === 0);
      expect(left()).toEqual([]);
    },
    Math.max(400_000, rounds * 100),
  );
});
