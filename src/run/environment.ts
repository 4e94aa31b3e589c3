/** Variables that a run sets in the parent, which every worker inherits; what stood there before comes back at its end. */
export class WorkerEnvironment {
  readonly #before = new Map<string, string | undefined>();
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#env = env;
  }

  /** Sets variables; one that was set before this run is remembered. */
  set(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) {
      if (!this.#before.has(name)) this.#before.set(name, this.#env[name]);
      this.#env[name] = value;
    }
  }

  /** Sets variables that nobody has set yet, this run's other parts included. */
  setAbsent(variables: Readonly<Record<string, string>>): void {
    this.set(Object.fromEntries(Object.entries(variables).filter(([name]) => this.#env[name] === undefined)));
  }

  /** What this run has set. */
  variables(): Record<string, string> {
    return Object.fromEntries([...this.#before.keys()].map((name) => [name, this.#env[name] ?? '']));
  }

  restore(): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Reflect.deleteProperty(this.#env, name);
      else this.#env[name] = value;
    }
    this.#before.clear();
  }
}
