import type { Holder, Lease } from '../../../../src/cluster/leases/state.js';
import {
  arrive,
  becomeReady,
  depart,
  type Found,
  gone,
  rest,
} from '../../../../src/cluster/leases/transitions.js';
import { Random } from '../../../random.js';

/*
 * Histories of one cluster of ours: runs that come, use it, leave or are killed at any step, and processes that hold it on
 * standby, pause it and have it go on. The changes of the state are the package's own, each one step; what happens to the
 * containers is another. MODEL_SEED=<seed> runs one alone.
 */
const seed = Number(process.env['MODEL_SEED'] ?? Number.NaN);
const first = Number.isNaN(seed) ? 1 : seed;
const count = Number.isNaN(seed) ? Number(process.env['MODEL_HISTORIES'] ?? 300) : 1;

type Doing = 'arrive' | 'create' | 'use' | 'hold' | 'tell' | 'leave' | 'delete' | 'nothing';

interface Actor {
  me: Lease;
  doing: Doing;
  /** What comes after a deletion. */
  next: Doing;
  /** What a standby tells the containers next. */
  tells: 'running' | 'paused';
  isDead: boolean;
}

const made = { image: 'usual' };
const removal = { provider: 'kind' as const, name: 'shop', runtime: null };

class History {
  readonly problems: string[] = [];
  readonly figures = { creations: 0, taken: 0, paused: 0, killed: 0, deletions: 0 };
  readonly #actors: Actor[] = [];
  readonly #random: Random;
  #state: Found;
  #containers: 'none' | 'running' | 'paused' = 'none';
  #pid = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  run(): void {
    const random = this.#random;
    for (let number = 0; number < 6; number += 1) this.#comes(random.chance(0.4));
    for (let step = 0; step < 400; step += 1) {
      const actor = this.#actors[random.whole(0, this.#actors.length - 1)] as Actor;
      if (random.chance(0.01) && this.#pid < 30) this.#comes(random.chance(0.4));
      else if (random.chance(0.02)) this.#kill(actor);
      else this.#acts(actor);
    }
    // all come to their end
    for (let round = 0; round < 200; round += 1)
      for (const actor of [...this.#actors]) this.#acts(actor, true);
    if (this.#state !== undefined) this.problems.push(`left: ${JSON.stringify(this.#state)}`);
    if (this.#containers !== 'none') this.problems.push(`left: containers that are ${this.#containers}`);
  }

  #comes(isStandby: boolean, runId = `run${String(this.#pid)}`, doing: Doing = 'arrive'): void {
    const pid = (this.#pid += 1);
    const holder: Holder = { runId, process: { pid, startedAt: '' }, cwd: '', command: '', since: '' };
    const me: Lease = { ...holder, keep: 'never', ...(isStandby ? { standby: 'busy' as const } : {}) };
    this.#actors.push({ me, doing, next: 'nothing', tells: 'paused', isDead: false });
  }

  #kill(actor: Actor): void {
    if (actor.isDead || actor.doing === 'nothing') return;
    actor.isDead = true;
    this.figures.killed += 1;
    this.#comes(false, actor.me.runId, 'leave');
  }

  readonly #isAlive = ({ process: { pid } }: Holder): boolean =>
    this.#actors.some((each) => each.me.process.pid === pid && !each.isDead && each.doing !== 'nothing');

  #acts(actor: Actor, isOver = false): void {
    if (actor.isDead) return;
    actor.doing = this.#does(actor, isOver);
  }

  #does(actor: Actor, isOver: boolean): Doing {
    const { me } = actor;
    switch (actor.doing) {
      case 'arrive':
        return this.#arrives(actor);
      case 'create': {
        if (this.#containers === 'none') this.#containers = 'running';
        const isHeld = this.#change(
          becomeReady(this.#state, me.runId, { name: '', kubeconfig: '', context: '' }),
        );
        if (!isHeld) this.problems.push(`${me.runId} lost what it created`);
        return me.standby === undefined ? 'use' : 'hold';
      }
      case 'use':
        if (this.#containers !== 'running')
          this.problems.push(`${me.runId} uses containers that are ${this.#containers}`);
        return isOver || this.#random.chance(0.2) ? 'leave' : 'use';
      case 'hold': {
        const isGivenUp = isOver || this.#random.chance(0.1);
        if (isGivenUp) return 'leave';
        return this.#change(rest(this.#state, me.runId, 'busy')) ? 'tell' : 'leave';
      }
      case 'tell':
        return this.#tells(actor);
      case 'leave': {
        const departure = this.#change(depart(this.#state, me, me.runId, this.#isAlive, removal));
        actor.next = 'nothing';
        return departure.to === 'delete' ? 'delete' : 'nothing';
      }
      case 'delete':
        this.#noneUses(`${me.runId} deletes it`);
        this.#containers = 'none';
        this.figures.deletions += 1;
        this.#change(gone(this.#state, me));
        return actor.next;
      case 'nothing':
        return 'nothing';
    }
  }

  #arrives(actor: Actor): Doing {
    const { me } = actor;
    const arrival = this.#change(arrive(this.#state, me, { made, removal }, this.#isAlive));
    switch (arrival.to) {
      case 'create':
        if (this.#containers !== 'none') this.problems.push(`${me.runId} creates beside what is there`);
        this.figures.creations += 1;
        return 'create';
      case 'join':
        if (arrival.wasStandby) this.figures.taken += 1;
        // as `rest` and `join` of the provider do
        if (this.#containers === 'paused') this.#containers = 'running';
        return 'use';
      case 'delete':
        actor.next = 'arrive';
        return 'delete';
      case 'refuse':
        if (me.standby === undefined) this.problems.push(`${me.runId} is refused`);
        return 'nothing';
      case 'wait':
        return 'arrive';
    }
  }

  #tells(actor: Actor): Doing {
    const { me, tells } = actor;
    this.#noneUses(`${me.runId} tells it to be ${tells}`);
    if (this.#containers !== 'none') this.#containers = tells;
    this.figures.paused += 1;
    actor.tells = tells === 'paused' ? 'running' : 'paused';
    return this.#change(rest(this.#state, me.runId, tells)) ? 'hold' : 'leave';
  }

  #noneUses(what: string): void {
    for (const { me, doing, isDead } of this.#actors)
      if (!isDead && doing === 'use') this.problems.push(`${what} while ${me.runId} uses it`);
  }

  #change<Result>({ state, result }: { state: Found; result: Result }): Result {
    this.#state = state;
    return result;
  }
}

test('a cluster on standby is taken by one, told nothing while somebody uses it, made once at a time, and not left', () => {
  const all = { creations: 0, taken: 0, paused: 0, killed: 0, deletions: 0 };
  const problems: string[] = [];
  for (let each = first; each < first + count && problems.length < 20; each += 1) {
    const history = new History(new Random(each));
    history.run();
    problems.push(...history.problems.map((problem) => `MODEL_SEED=${String(each)}: ${problem}`));
    for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += history.figures[key];
  }
  expect(problems).toEqual([]);
  if (count < 100) return;
  for (const figure of Object.values(all)) expect(figure).toBeGreaterThan(count / 20);
});
