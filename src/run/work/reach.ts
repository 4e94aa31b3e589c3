import type { HostAndPort } from '../../cluster/index.js';
import { forwardPort } from '../../kubernetes/index.js';
import type { RunContext } from '../context.js';

/** A port of a Service in the run's cluster. */
interface Reached {
  namespace: string;
  service: string;
  port: number;
  /** The node's port that leads there, in a cluster that publishes it. */
  nodePort: number | undefined;
  /** The port of this machine that is wanted; 0, the default, is any free one. */
  asked?: number;
}

/** Where it is reached from here: as the node publishes it, or by this process, which forwards it until the run ends. */
export async function reach(
  { provider, milestones, closing }: RunContext,
  { namespace, service, port, nodePort, asked = 0 }: Reached,
  signal: AbortSignal,
): Promise<HostAndPort> {
  const published = nodePort === undefined ? undefined : await provider.published(nodePort, signal);
  if (published !== undefined && (asked === 0 || asked === published.port)) return published;
  const access = await milestones.api.promise;
  const forward = await forwardPort({ access, namespace, service, port, localPort: asked });
  closing.push(() => forward.close());
  return { host: '127.0.0.1', port: forward.port };
}
