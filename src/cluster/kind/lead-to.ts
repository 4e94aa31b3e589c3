import type { HostAndPort } from '../provider.js';
import type { RunCli } from './node-containers.js';

/** In seconds; what no rule leads anywhere may be lost without a word. */
const limit = 2;

/** What a shell, or `timeout`, ends with where a program is not there: such a node cannot be asked. */
const notThere = [126, 127];

/**
 * Whether every node leads a connection to an address within the cluster on, as for its pods: kube-proxy hears of a
 * Service's endpoint up to a second and more after the API server says that it is ready, and refuses until then.
 */
export async function leadTo(
  run: RunCli,
  nodes: readonly string[],
  { host, port }: HostAndPort,
  signal?: AbortSignal,
): Promise<boolean> {
  const connect = ['timeout', String(limit), 'bash', '-c', 'exec 3<>"/dev/tcp/$0/$1"', host, String(port)];
  const led = nodes.map(async (node) => {
    try {
      await run(['exec', node, ...connect], { signal });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      return notThere.includes((error as { exitCode?: number }).exitCode ?? 0);
    }
  });
  return !(await Promise.all(led)).includes(false);
}
