import { describeHolder, type KnownCluster } from '../cluster/index.js';
import { formatAge } from '../report/index.js';
import { quoted } from '../support/shell.js';
import { style, wrapped } from './output.js';

/** A cluster as `status --json` has it; what is not known, or not so, is null. */
export interface DescribedCluster {
  name: string;
  phase: KnownCluster['state']['phase'];
  /** When its maker, or who deletes it, began; ISO 8601. */
  since: string | null;
  ageSeconds: number | null;
  context: string | null;
  /** Absolute path. */
  kubeconfig: string | null;
  /** How many, by its configuration. */
  nodes: number | null;
  kept: 'on-failure' | 'always' | null;
  keptSince: string | null;
  problem: string | null;
  /** Whether it is booted and paused for the next run. */
  standby: boolean;
  users: { runId: string; pid: number; command: string; cwd: string; since: string; words: string }[];
}

export function described({ name, folder, state, standby, users }: KnownCluster): DescribedCluster {
  const { phase, kept, problem, access, by } = state;
  const since = by?.since ?? null;
  return {
    ...{ name, phase, since, problem, standby: standby !== undefined },
    ageSeconds: since === null ? null : Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000)),
    context: access?.context ?? null,
    kubeconfig: access === null ? null : `${folder}/kubeconfig`,
    nodes: nodesIn(state.made),
    kept: kept?.reason ?? null,
    keptSince: kept?.since ?? null,
    users: users.map((user) => {
      const {
        runId,
        command,
        cwd,
        since,
        process: { pid },
      } = user;
      return { runId, pid, command, cwd, since, words: describeHolder(user) };
    }),
  };
}

/** Of a kind config the nodes are its own. */
function nodesIn(made: KnownCluster['state']['made']): number | null {
  const config = made['cluster.config'] as { nodes?: unknown } | null | undefined;
  const nodes = config == null ? made['cluster.nodes'] : (config.nodes ?? [{}]);
  return Array.isArray(nodes) ? nodes.length : null;
}

/**
 * What `status` prints of it.
 * @param standby - what is to be said of one that stands by
 */
export function linesOf(cluster: DescribedCluster, standby: readonly string[] = []): string[] {
  const { name, phase, kept, problem, users, ageSeconds, nodes, context } = cluster;
  const facts = [
    ...(ageSeconds === null ? [] : [`for ${formatAge(ageSeconds * 1000)}`]),
    ...(nodes === null ? [] : [nodes === 1 ? '1 node' : `${nodes} nodes`]),
    ...(context === null ? [] : [`context ${context}`]),
  ];
  const about = [
    ...(facts.length === 0 ? [] : [facts.join(', ')]),
    ...users.map(({ runId, words }) => `used by ${words}, run ${runId}`),
    ...stays(cluster),
    ...(problem === null ? [] : [problem]),
  ];
  return [
    `${style('bold', name)}  ${[phase, ...(kept === null ? [] : [`kept (${kept})`]), ...standby].join(', ')}`,
    ...about.map((line) => `  ${wrapped(line, 2)}`),
  ];
}

/** Of one that nobody uses, why it is there. */
function stays({ name, phase, kept, users, problem, standby }: DescribedCluster): string[] {
  if (phase !== 'ready' || users.length > 0 || problem !== null || standby) return [];
  return [
    kept === null
      ? 'nobody uses it: the next run deletes it, or npx jest-kubernetes prune'
      : `kept by keep: '${kept}', until: npx jest-kubernetes down ${quoted(name)}`,
  ];
}
