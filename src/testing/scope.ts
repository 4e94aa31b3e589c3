/** Something that was waited for, or acted on, as a cause is looked for: whose pods, whose events. */
export interface Trace {
  apiVersion: string;
  kind: string;
  /** Undefined for a kind that has none. */
  namespace: string | undefined;
  /** Undefined for all that `selector` names. */
  name: string | undefined;
  /** A label selector. */
  selector?: string | undefined;
  /** What it was waited for to be, such as `available`; undefined where it was not waited for. */
  condition?: string;
  /** What stood in its way when it was last looked at; undefined where the wait has ended well. */
  lacks?: string | undefined;
}

/**
 * What a test, or a test file outside of its tests (`beforeAll`), has made and touched: it goes with its end, and is where
 * a cause is looked for when it is red.
 */
export class Scope {
  /** Milliseconds since the epoch. */
  readonly startedAt = Date.now();
  /** The namespaces made for it, in that order. */
  readonly namespaces: string[] = [];
  /** What it has applied, waited for or acted on, in that order. */
  readonly traces: Trace[] = [];
  /** When Jest gives up what runs now, by `performance.now()`; undefined where that is not known. */
  deadline: number | undefined;
  readonly #cleanUps: (() => Promise<void>)[] = [];
  readonly #ending = new AbortController();

  /** @param name - the test's, with those of its `describe` blocks; the file's path */
  constructor(readonly name: string) {}

  /** Aborted as soon as it ends: whatever waits in it has waited in vain. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** To be done at its end, the last added first. */
  atEnd(cleanUp: () => Promise<void>): void {
    this.#cleanUps.push(cleanUp);
  }

  /** A clean-up that fails is told on stderr, and fails no test. */
  async end(): Promise<void> {
    this.#ending.abort(new Error(`${this.name} has ended`));
    for (let cleanUp = this.#cleanUps.pop(); cleanUp !== undefined; cleanUp = this.#cleanUps.pop()) {
      try {
        await cleanUp();
      } catch (error) {
        process.stderr.write(`jest-kubernetes: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }
}
