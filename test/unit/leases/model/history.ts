import type { DeleteCluster } from '../../../../src/cluster/leases/deletion.js';
import { type LeaseApi, leaseSeconds } from '../../../../src/cluster/leases/lease-objects.js';
import type { ClusterLease } from '../../../../src/cluster/leases/leases.js';
import { messageOf } from '../../../../src/support/errors.js';
import { Random } from '../../../random.js';
import { ApiServer, type Weather } from './api-server.js';
import { leaseOn } from './lease-on.js';
import { Process, World } from './world.js';

/*
 * One history of a cluster that was there before: runs arrive, work, sleep, are killed and leave, on machines whose
 * clocks are off, before an API server that is slow, throttles, breaks and falls silent. The code under test is the
 * package's own; time, processes and the server are simulated. What must hold is checked as it happens.
 */

const name = 'shop';
/** How long a run counts as alive after its lease was renewed, in milliseconds. */
const certain = leaseSeconds * 1000;

export interface Figures {
  runs: number;
  lives: number;
  joins: number;
  killed: number;
  lost: number;
  byWatchdogs: number;
}

export type Outcome = Figures & { problems: string[] };

/** A run as the model sees it from outside. */
interface Run {
  id: string;
  process: Process;
  /** When its lease was last renewed, in simulated milliseconds. */
  renewed: number;
  /** The life of the set-up that it uses; undefined before it has its lease and from its end on. */
  uses: string | undefined;
  /** It has slept, or was cut off, for so long that others may have taken it for dead. */
  mayBeTakenForDead: boolean;
}

export async function history(seed: number): Promise<Outcome> {
  const random = new Random(seed);
  const realRandom = Math.random;
  Math.random = random.next;
  try {
    return await new History(random).run();
  } finally {
    Math.random = realRandom;
  }
}

class History {
  readonly #world = new World();
  readonly #random: Random;
  readonly #server: ApiServer;
  readonly #problems: string[] = [];
  readonly #runs: Run[] = [];
  /** What is set up in the cluster, by the id of the life that it is of; `before` was there before. */
  readonly #objects = new Map<string, string>([['before', '']]);
  readonly #done = new Map<string, string>();
  /** The runs that have databases of their own. */
  readonly #databases = new Set<string>();
  readonly #figures: Figures = { runs: 0, lives: 0, joins: 0, killed: 0, lost: 0, byWatchdogs: 0 };

  constructor(random: Random) {
    this.#random = random;
    this.#server = new ApiServer(this.#world, weather(random), random);
  }

  async run(): Promise<Outcome> {
    const random = this.#random;
    const count = random.whole(2, 12);
    // shards arrive together, pipelines one after another
    const together = random.chance(0.5);
    let end = 0;
    for (let number = 0; number < count; number += 1) {
      const at = random.between(0, together ? 3000 : 90_000);
      this.#world.after(at, () => {
        this.#start(`run${String(number)}`);
      });
      end = Math.max(end, at);
    }
    if (!(await this.#world.run(3_600_000))) this.#problem('it has not come to rest within an hour');
    // whoever comes by later finds what machines that never came back have left
    this.#world.after(2 * certain, () => {
      this.#start('last', { kind: 'calm' });
    });
    if (!(await this.#world.run(this.#world.now + 3_600_000)))
      this.#problem('the last run has not ended within an hour');
    for (const left of this.#server.objects.keys()) this.#problem(`left: the lease ${left}`);
    for (const [left] of this.#objects)
      if (left !== 'before') this.#problem(`left: what was set up as ${left}`);
    if (!this.#objects.has('before')) this.#problem('what was there before is gone');
    return { ...this.#figures, problems: this.#problems };
  }

  #start(id: string, { kind = 'eventful' }: { kind?: 'eventful' | 'calm' } = {}): void {
    const random = this.#random;
    const process = new Process(this.#world, random.between(-3_600_000, 3_600_000));
    const run: Run = { id, process, renewed: this.#world.now, uses: undefined, mayBeTakenForDead: false };
    this.#runs.push(run);
    this.#figures.runs += 1;
    if (kind === 'eventful') {
      if (random.chance(0.25))
        this.#world.after(random.between(0, 60_000), () => {
          this.#kill(run);
        });
      if (random.chance(0.2)) {
        this.#world.after(random.between(0, 60_000), () => {
          process.sleep(random.between(1000, 120_000));
        });
      }
    }
    void this.#live(run).catch((error: unknown) => {
      this.#problem(`${id} failed: ${messageOf(error)}`);
    });
  }

  /** A run's own story. */
  async #live(run: Run): Promise<void> {
    const random = this.#random;
    const { clock } = run.process;
    const lost = new AbortController();
    const lease = this.#leaseOf(run, () => {
      this.#figures.lost += 1;
      run.uses = undefined;
      lost.abort();
    });
    try {
      const arrival = await lease.acquire({
        made: { provider: 'existing' },
        removal: { provider: 'existing', name, runtime: null },
        keep: 'never',
      });
      if (arrival.role === 'create') {
        run.uses = run.id;
        this.#beginsToSetUp(run);
        await clock.pause(random.between(100, 15_000), lost.signal);
        await lease.ready({ name, kubeconfig: '', context: '' });
      } else {
        run.uses = arrival.state.id;
        this.#figures.joins += 1;
        this.#notice(run);
        if (!this.#objects.has(run.uses) && !run.mayBeTakenForDead)
          this.#problem(`${run.id} joined ${run.uses}, which is not there`);
      }
      for (const key of ['manifests', 'template']) {
        if (key === 'template') await this.#dropsDeadDatabases(run, lease);
        await lease.once(key, async () => {
          this.#does(run, key);
          await clock.pause(random.between(10, 5000), lost.signal);
          return true;
        });
      }
      this.#databases.add(run.id);
      // a watch makes its template anew before a re-run
      for (let reRuns = random.whole(0, 2); reRuns >= 0; reRuns -= 1) {
        await clock.pause(random.between(0, 20_000), lost.signal);
        if (reRuns > 0) await this.#dropsDeadDatabases(run, lease);
      }
    } catch (error) {
      this.#failed(run, error, lost.signal);
    }
    run.uses = undefined;
    await this.#release(run, lease);
  }

  /** As before a template is made: what runs that are gone have left in the server. */
  async #dropsDeadDatabases(run: Run, lease: ClusterLease): Promise<void> {
    const there = [...this.#databases];
    const live = new Set(await lease.liveRuns());
    for (const each of this.#runs) {
      if (!there.includes(each.id) || live.has(each.id)) continue;
      if (each.uses === run.uses && this.#isWell(each) && this.#isWell(run))
        this.#problem(`${run.id} drops the databases of ${each.id}, which uses them`);
      this.#databases.delete(each.id);
    }
  }

  #failed(run: Run, error: unknown, lost: AbortSignal): void {
    this.#notice(run);
    if (!lost.aborted && !run.mayBeTakenForDead)
      this.#problem(`${run.id} failed for no reason of its own: ${messageOf(error)}`);
  }

  /** As the run does at its end; what it does not come to, its watchdog does. */
  async #release(run: Run, lease: ClusterLease): Promise<void> {
    try {
      await lease.release();
    } catch {
      run.process.kill();
      this.#watchdog(run);
    }
  }

  #kill(run: Run): void {
    if (run.process.isDead) return;
    run.process.kill();
    run.uses = undefined;
    this.#figures.killed += 1;
    // or the whole machine is gone
    if (this.#random.chance(0.75)) this.#watchdog(run);
  }

  #watchdog({ id }: Run): void {
    const process = new Process(this.#world, this.#random.between(-3_600_000, 3_600_000));
    const run: Run = { id, process, renewed: this.#world.now, uses: undefined, mayBeTakenForDead: false };
    const attempt = async (wait: number): Promise<void> => {
      await process.clock.pause(wait);
      try {
        await this.#leaseOf(run, () => undefined).release();
        this.#figures.byWatchdogs += 1;
      } catch {
        await attempt(Math.min(60_000, 2 * wait + 1000));
      }
    };
    void attempt(50);
  }

  #leaseOf(run: Run, onLost: () => void): ClusterLease {
    const { id, process } = run;
    const onRenewed = (): void => {
      this.#notice(run);
      run.renewed = this.#world.now;
    };
    const api = (): LeaseApi => this.#server.of(process, onRenewed);
    return leaseOn({ name, id, process, api, onLost, deleteCluster: this.#deletes(run) });
  }

  readonly #deletes =
    (run: Run): DeleteCluster =>
    async ({ id }) => {
      this.#noneUses(id, `${run.id} begins to delete it`);
      await run.process.clock.pause(this.#random.between(50, 20_000));
      // an attempt that sleeps for long is another's by then, and what it finds is another's too
      if (this.#objects.has(id)) this.#noneUses(id, `${run.id} deletes it`);
      this.#objects.delete(id);
    };

  #beginsToSetUp(run: Run): void {
    this.#figures.lives += 1;
    this.#notice(run);
    for (const [life, by] of this.#objects) {
      // one that does not know yet that it was taken for dead may set up what it has to take away again
      const isUnaware = [run, this.#runs.find(({ id }) => id === by)].some(
        (each) => each !== undefined && !each.process.isDead && each.mayBeTakenForDead,
      );
      if (life !== 'before' && life !== run.id && !isUnaware)
        this.#problem(`${run.id} creates beside what ${by} has set up`);
    }
    this.#objects.set(run.id, run.id);
  }

  #does(run: Run, key: string): void {
    this.#notice(run);
    // one that slept finds out soon, and what it does meanwhile it takes back
    if (run.mayBeTakenForDead) return;
    const work = `${key} of ${run.uses ?? ''}`;
    const before = this.#done.get(work);
    const who = this.#runs.find(({ id }) => id === before);
    if (who !== undefined && this.#isWell(who)) this.#problem(`${run.id} and ${who.id} both do ${work}`);
    this.#done.set(work, run.id);
  }

  #noneUses(life: string, what: string): void {
    for (const run of this.#runs) {
      if (run.uses === life && this.#isWell(run)) this.#problem(`${what} while ${run.id} uses it`);
    }
  }

  /** Whether nobody may take it for dead now. */
  #isWell(run: Run): boolean {
    this.#notice(run);
    return !run.process.isDead && !run.process.isAsleep && !run.mayBeTakenForDead && run.uses !== undefined;
  }

  /** A run whose lease has not been renewed for so long may have been taken for dead, from then on. */
  #notice(run: Run): void {
    // a second for the server's whole seconds
    if (this.#world.now - run.renewed > certain - 1000) run.mayBeTakenForDead = true;
  }

  #problem(words: string): void {
    this.#problems.push(`at ${(this.#world.now / 1000).toFixed(1)} s: ${words}`);
  }
}

function weather(random: Random): Weather {
  const bad = random.chance(0.5);
  const rate = () => (bad ? random.between(0, 0.1) : 0);
  const outages = Array.from({ length: random.chance(0.3) ? random.whole(1, 3) : 0 }, (_, number) => {
    const from = 120_000 * number + random.between(0, 60_000);
    return [from, from + random.between(1000, 45_000)] as const;
  });
  return { delay: random.between(2, 300), throttled: rate(), broken: rate(), lost: rate(), outages };
}
