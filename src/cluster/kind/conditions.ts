import { type Api, ApiError, podsAreAdmitted } from '../../kubernetes/index.js';
import type { Progress } from '../../report/index.js';
import { pause } from '../../support/abort.js';
import { messageOf } from '../../support/errors.js';
import { firstLine } from '../../support/lines.js';
import { type ClusterNode, roleOf } from '../provider.js';
import { inOrder } from './node-containers.js';

/** Whoever asks until it is so asks again itself. How long one question may go without an answer: in milliseconds. */
export const probing = { retry: false, limit: 5000 };

/** What a published port says, in turns, behind which nothing listens yet. */
const refusals = /ECONNREFUSED|ECONNRESET|socket disconnected|socket hang up/;

/** Undefined once it is so; until then what was seen. */
type Condition = (server: Api, signal: AbortSignal) => Promise<string | undefined>;

/** Asks until it is so. What was not seen before is progress; an answer that comes and goes is none. */
export async function until(
  what: string,
  condition: Condition,
  server: Api,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const known = new Set<string>();
  for (;;) {
    const seen = await condition(server, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return refusals.test(messageOf(error)) ? 'no connection yet' : firstLine(messageOf(error));
    });
    if (seen === undefined) return;
    progress.waitingFor(`${what} (${seen})`);
    if (!known.has(seen)) progress.moved(`waiting for ${what}`);
    known.add(seen);
    await pause(100, signal);
  }
}

/** It has all that it sets up at its start. */
export const apiIsReady: Condition = (server, signal) => answers(() => server.text('/readyz', { signal }));

/** Administrators are let in: in a new cluster a moment after it is ready, in one from a snapshot seconds before. */
export const apiAnswers: Condition = (server, signal) =>
  answers(() => server.request('/api/v1/namespaces/default', { signal }));

async function answers(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return /^\[-\].*$/m.exec(error.message)?.[0] ?? `status ${error.status}`;
  }
}

interface Node {
  metadata: { name: string; labels?: Readonly<Record<string, string>> };
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

const nodesOf = async (server: Api, signal: AbortSignal): Promise<Node[]> =>
  (await server.request<{ items: Node[] }>('/api/v1/nodes', { signal })).items;

export const nodesAreReady =
  (expected: readonly ClusterNode[]): Condition =>
  async (server, signal) => {
    const nodes = await nodesOf(server, signal);
    for (const { hostname: name } of expected) {
      const conditions = nodes.find(({ metadata }) => metadata.name === name)?.status.conditions;
      const condition = conditions?.find(({ type }) => type === 'Ready');
      if (condition === undefined) return `${name} is not registered`;
      if (condition.status !== 'True')
        return `${name}: ${firstLine(condition.message ?? condition.reason ?? 'NotReady')}`;
    }
    return undefined;
  };

/** Every pod is refused until the namespace has its ServiceAccount. */
export const podsAreTaken: Condition = async (server, signal) =>
  (await podsAreAdmitted(server, 'default', signal)) ? undefined : 'not there yet';

/**
 * The machines that a cluster knows: kind's nodes have their containers' names, and what each is for in a label. One that
 * is alone may have been started from a snapshot, and then has another's; its container is called as kind calls it.
 */
export async function knownNodes(server: Api, cluster: string, signal: AbortSignal): Promise<ClusterNode[]> {
  const nodes = await nodesOf(server, signal);
  return inOrder(
    nodes.map(({ metadata }) => ({
      name: nodes.length === 1 ? `${cluster}-control-plane` : metadata.name,
      hostname: metadata.name,
      role: roleOf(metadata.labels),
    })),
  );
}
