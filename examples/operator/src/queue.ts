/** Works on one key after the other: on each again where it has changed meanwhile, and later where that failed. */
export class Queue {
  readonly #keys = new Set<string>();
  readonly #later = new Set<NodeJS.Timeout>();
  #working: Promise<void> | undefined;
  #stopped = false;

  constructor(
    private readonly work: (key: string) => Promise<void>,
    private readonly retryAfterMs = 1000,
  ) {}

  add(key: string): void {
    if (this.#stopped) return;
    this.#keys.add(key);
    this.#working ??= this.#run();
  }

  /** Ends what is being worked on, and nothing else. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#keys.clear();
    for (const timer of this.#later) clearTimeout(timer);
    await this.#working;
  }

  async #run(): Promise<void> {
    // what is added while it runs comes at the end of the set, and so has its turn
    for (const key of this.#keys) {
      this.#keys.delete(key);
      await this.work(key).catch((error: unknown) => {
        console.error(`${key}: ${String(error)}`);
        this.#retry(key);
      });
    }
    this.#working = undefined;
  }

  #retry(key: string): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#later.delete(timer);
      this.add(key);
    }, this.retryAfterMs);
    this.#later.add(timer);
  }
}
