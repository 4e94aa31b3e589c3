import { setTimeout as sleep } from 'node:timers/promises';

import type { Progress } from '../../report/index.js';
import { messageOf } from '../../support/errors.js';
import type { ClusterNode } from '../provider.js';
import type { ApiConnection } from './access.js';
import { inOrder } from './node-containers.js';

/** What a published port says, in turns, behind which nothing listens yet. */
const refusals = /ECONNREFUSED|ECONNRESET|socket disconnected|socket hang up/;

/** Undefined once it is so; until then what was seen. */
export type Condition = (connection: ApiConnection, signal: AbortSignal) => Promise<string | undefined>;

/** Asks until it is so. What was not seen before is progress; an answer that comes and goes is none. */
export async function until(
  what: string,
  condition: Condition,
  connection: ApiConnection,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const known = new Set<string>();
  for (;;) {
    const seen = await condition(connection, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return refusals.test(messageOf(error)) ? 'no connection yet' : messageOf(error);
    });
    if (seen === undefined) return;
    progress.waitingFor(`${what} (${seen})`);
    if (!known.has(seen)) progress.moved(`waiting for ${what}`);
    known.add(seen);
    await sleep(200, undefined, { signal });
  }
}

export const apiAnswers: Condition = async (connection, signal) => {
  const readyz = await connection.get('/readyz', signal);
  if (readyz.status !== 200)
    return firstLine(/^\[-\].*$/m.exec(readyz.body)?.[0] ?? `status ${readyz.status}`);
  // Kubernetes 1.29 and newer give admin.conf its rights a moment after the server answers
  const { status } = await connection.get('/api/v1/namespaces/default', signal);
  return status === 200 ? undefined : `status ${status} for the namespace default`;
};

/** kind's nodes have their containers' names, and what each is for in a label. */
export function nodesOf(items: readonly Node[]): ClusterNode[] {
  const role = ({ metadata }: Node): ClusterNode['role'] =>
    metadata.labels?.['node-role.kubernetes.io/control-plane'] === undefined ? 'worker' : 'control-plane';
  return inOrder(items.map((node) => ({ name: node.metadata.name, role: role(node) })));
}

export interface Node {
  metadata: { name: string; labels?: Readonly<Record<string, string>> };
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

export const nodesAreReady =
  (expected: readonly ClusterNode[]): Condition =>
  async (connection, signal) => {
    const { status, body } = await connection.get('/api/v1/nodes', signal);
    if (status !== 200) return `status ${status}`;
    const { items } = JSON.parse(body) as { items: Node[] };
    for (const { name } of expected) {
      const conditions = items.find(({ metadata }) => metadata.name === name)?.status.conditions;
      const condition = conditions?.find(({ type }) => type === 'Ready');
      if (condition === undefined) return `${name} is not registered`;
      if (condition.status !== 'True')
        return `${name}: ${firstLine(condition.message ?? condition.reason ?? 'NotReady')}`;
    }
    return undefined;
  };

/**
 * By asking for one that is not made (a dry run): the `default` ServiceAccount may be seconds late, and, before
 * Kubernetes 1.24, its token later still. Until then every pod is refused. Any other refusal is the cluster's own rule.
 */
export const podsAreAdmitted: Condition = async (connection, signal) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'probe-' },
    spec: { containers: [{ name: 'probe', image: 'probe' }] },
  };
  const { status, body } = await connection.post('/api/v1/namespaces/default/pods?dryRun=All', pod, signal);
  return status >= 300 && /service ?account/i.test(body) ? 'not there yet' : undefined;
};

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
