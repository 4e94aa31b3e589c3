/** Variables that a run sets in the parent, which every worker inherits; what stood there before comes back at its end. */
export class WorkerEnvironment {
  readonly #before = new Map<string, string | undefined>();
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#env = env;
  }

  /** Sets variables, or takes them away where they are undefined; one that was set before this run is remembered. */
  set(variables: Readonly<Record<string, string | undefined>>): void {
    for (const [name, value] of Object.entries(variables)) {
      if (!this.#before.has(name)) this.#before.set(name, this.#env[name]);
      this.#put(name, value);
    }
  }

  /** Sets variables that nobody has set yet, this run's other parts included. */
  setAbsent(variables: Readonly<Record<string, string>>): void {
    this.set(Object.fromEntries(Object.entries(variables).filter(([name]) => this.#env[name] === undefined)));
  }

  /** What this run has set. */
  variables(): Record<string, string> {
    const set = [...this.#before.keys()].filter((name) => this.#env[name] !== undefined);
    return Object.fromEntries(set.map((name) => [name, this.#env[name] ?? '']));
  }

  restore(): void {
    for (const [name, value] of this.#before) this.#put(name, value);
    this.#before.clear();
  }

  #put(name: string, value: string | undefined): void {
    if (value === undefined) Reflect.deleteProperty(this.#env, name);
    else this.#env[name] = value;
  }
}
