import type { Clock } from '../../../../src/cluster/leases/clock.js';

interface Event {
  at: number;
  order: number;
  happen: () => void;
}

/** Simulated time: what is to happen, in its order. One history at a time. */
export class World {
  now = 0;
  #order = 0;
  /** A binary heap, the next event first. */
  readonly #events: Event[] = [];

  after(milliseconds: number, happen: () => void): void {
    const events = this.#events;
    events.push({ at: this.now + Math.max(0, milliseconds), order: (this.#order += 1), happen });
    for (let at = events.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Lets everything happen until nothing more will, or the limit. @returns whether it came to rest */
  async run(limit: number): Promise<boolean> {
    for (let event = this.#take(); event !== undefined; event = this.#take()) {
      if (event.at > limit) return false;
      this.now = event.at;
      event.happen();
      // everything that follows from it at once
      await new Promise(setImmediate);
    }
    return true;
  }

  #take(): Event | undefined {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    events[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < events.length && this.#isBefore(child, least)) least = child;
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#events[one], this.#events[other]] as [Event, Event];
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const events = this.#events as [Event];
    [events[one], events[other]] = [events[other], events[one]] as [Event, Event];
  }
}

/** A process of some machine: it can be killed, and sleep. */
export class Process {
  isDead = false;
  #sleepsUntil = 0;

  constructor(
    readonly world: World,
    /** How far its machine's clock is off, in milliseconds. */
    readonly skew: number,
  ) {}

  get isAsleep(): boolean {
    return this.world.now < this.#sleepsUntil;
  }

  kill(): void {
    this.isDead = true;
  }

  sleep(milliseconds: number): void {
    this.#sleepsUntil = Math.max(this.#sleepsUntil, this.world.now + milliseconds);
  }

  /** Something happens to the process: at once, when it wakes up, or never. */
  readonly meet = (happen: () => void): void => {
    if (this.isDead) return;
    if (!this.isAsleep) happen();
    else
      this.world.after(this.#sleepsUntil - this.world.now, () => {
        this.meet(happen);
      });
  };

  readonly clock: Clock = {
    now: () => this.world.now,
    date: () => this.world.now + this.skew,
    pause: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          reject(new DOMException('aborted', 'AbortError'));
        };
        if (signal?.aborted) {
          abort();
          return;
        }
        signal?.addEventListener('abort', abort, { once: true });
        this.world.after(milliseconds, () => {
          this.meet(() => {
            signal?.removeEventListener('abort', abort);
            resolve();
          });
        });
      }),
  };
}
