import { serveApi } from '../kubernetes/index.js';
import { clusterAccess } from './cluster.js';
import { currentScope } from './test-file.js';
import { untilEnd } from './until-end.js';

/** An address that leads to the API server. */
export interface Proxy {
  /** `http://127.0.0.1:PORT/SECRET`, without a slash at the end. */
  url: string;
  /** Ends it before its test does. */
  readonly close: () => Promise<void>;
}

/**
 * The API server by plain HTTP, without certificate or token, as `kubectl proxy` has it; until its test ends.
 *
 * Whoever knows the URL may do what the run's user may, which in a cluster of the run's own is everything. It listens on
 * 127.0.0.1 alone, and its path cannot be guessed. Watches and logs pass; upgrades do not (`exec`, `attach`,
 * `port-forward`).
 *
 * @example
 * const { url } = await proxy();
 * const { gitVersion } = await (await fetch(`${url}/version`)).json();
 * @throws JestKubernetesError NO_CLUSTER outside of a run
 */
export async function proxy(): Promise<Proxy> {
  const scope = currentScope();
  const served = await serveApi(clusterAccess());
  await untilEnd(scope, served.close);
  return served;
}
