/**
 * The native side of a worker: what Jest's sandbox takes from outside, where `@kubernetes/client-node` can be loaded
 * (Jest's sandbox refuses ESM-only packages) and is loaded once, not once per test file.
 */
import { createRequire } from 'node:module';

import type * as TestApi from '../index.js';
import { isSwitchedOff } from '../support/switched-off.js';
import { clientNode } from '../testing/client-node.js';
import type * as WorkerDatabase from '../testing/database.js';
import type { matchers as theMatchers } from '../testing/matchers.js';
import { rememberClasses } from './classes.js';
import { deepModule } from './deep-imports.js';
import { readingVariables } from './kube-config.js';
import { asNative, intrinsics } from './realm.js';

/** Loads at the moment of use, and waits for nothing. */
const requireLater = createRequire(__filename);

export { beginTest, beginTestFile, endTest, markFailed } from '../testing/test-file.js';
export { restoreClasses } from './classes.js';
export { fileEnds, testFailed } from './failures.js';

type Matchers = typeof theMatchers;

const exposed = new WeakMap<object, Record<string, unknown>>();

/** The module that an import of `@kubernetes/client-node` gets, on its way into the sandbox. */
export function clientNodeFor(importer: string | undefined): Record<string, unknown> {
  const loaded = clientNode(importer);
  const known = exposed.get(loaded);
  if (known !== undefined) return known;
  const made = {
    ...loaded,
    // the one function that asks an object whether it is a plain one, which to it are those of its own realm
    dumpYaml: (...[object, ...options]: Parameters<typeof loaded.dumpYaml>) =>
      loaded.dumpYaml(asNative(object), ...options),
  };
  readingVariables(loaded.KubeConfig, () => environment.variables);
  rememberClasses(made);
  exposed.set(loaded, made);
  return made;
}

/** A module within the client library, by its path in the sandbox; what is the library's own too is the same there. */
export function deepClientNode(path: string): Record<string, unknown> {
  const file = deepModule(path);
  const whole = clientNodeFor(file);
  const isThat = (value: unknown, exported: unknown): boolean =>
    value === exported ||
    (typeof value === 'function' &&
      typeof exported === 'function' &&
      value.prototype instanceof (exported as new () => object));
  const made = Object.fromEntries(
    Object.entries(requireLater(file) as object).map(([name, exported]: [string, unknown]) => [
      name,
      isThat(whole[name], exported) ? whole[name] : exported,
    ]),
  );
  rememberClasses(made);
  return made;
}

/** The constructors of this side's realm: those of everything that is made natively. */
export const nativeIntrinsics = intrinsics;

export const testApi = (): typeof TestApi => requireLater('../index.js') as typeof TestApi;

/** Loaded with the first use of one of them. */
export const matchers = (): Matchers =>
  (requireLater('../testing/matchers.js') as { matchers: Matchers }).matchers;

/** Of the test file that runs. */
export const environment: { isOurs: boolean; variables: NodeJS.ProcessEnv | undefined } = {
  /** Whether its end is known to the environment, which is later than any hook of the user's. */
  isOurs: false,
  /** Its sandbox's own copy of the environment's. */
  variables: undefined,
};

const databaseVariables = /^(PG[A-Z]+|DATABASE_URL)$/;

const database = (): typeof WorkerDatabase => requireLater('../testing/database.js') as typeof WorkerDatabase;
const hasDatabase = (): boolean => process.env['JEST_KUBERNETES_POSTGRES'] !== undefined && !isSwitchedOff();

/** Where the configuration asks for it, what gives the database back before each test. */
export const resetOfEachTest = (): (() => Promise<void>) | undefined =>
  hasDatabase() && database().resetsEachTest() ? database().resetDatabase : undefined;

/** Makes this worker's own database, and returns the variables that name it; none where the run has no PostgreSQL. */
export async function prepareDatabase(): Promise<Record<string, string>> {
  if (!hasDatabase()) return {};
  await database().prepareWorkerDatabase(process.env);
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] =>
      databaseVariables.test(entry[0]),
    ),
  );
}
