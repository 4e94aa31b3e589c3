import type { ClusterState, JoinedCluster } from '../cluster/index.js';
import { serverSignature } from '../postgres/index.js';
import { type Report, silent } from '../report/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { Milestones, type RunContext } from './context.js';

type Parts = Pick<
  RunContext,
  'config' | 'env' | 'environment' | 'lease' | 'provider' | 'reading' | 'runId' | 'startedAt'
>;

/** Takes the lease: either the cluster is this run's to create, or it is there and answers. */
export async function takePart(
  run: Parts,
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<RunContext> {
  const { config, lease, provider, runId } = run;
  const { keep, postgres } = config;
  const { name } = config.cluster;
  // one server for all that share the cluster
  const server = postgres === undefined ? {} : { postgres: serverSignature(postgres) };
  const made = { ...(await provider.made()), ...server };
  const wanted = { made, removal: await provider.removal(), keep };
  const progress = {
    ...silent,
    note: (line: string) => {
      report.note(line);
    },
  };
  for (;;) {
    const arrival = await lease.acquire(wanted);
    if (arrival.role === 'create') {
      report.headline(`${provider.words.begins} (once, for all workers and runs)`);
      return contextOf(run, runId);
    }
    try {
      if (arrival.wasStandby) await provider.rest?.('running', signal);
      const joined = await provider.join(signal, progress);
      report.headline(
        arrival.wasStandby
          ? `takes the cluster ${name}, which was on standby`
          : `joins the cluster ${name}${companions(lease.others())}`,
      );
      return contextOf(run, arrival.state.id, joined, doneIn(arrival.state));
    } catch (error) {
      signal.throwIfAborted();
      const isGone = error instanceof JestKubernetesError && error.code === 'CLUSTER_UNREACHABLE';
      if (!provider.replaceable || !isGone) throw error;
      report.note(`the cluster ${name} does not answer any more: ${messageOf(error)}`);
      const users = await lease.replace();
      if (users.length === 0) continue;
      const used = users.map((user) => `used by ${user}`);
      throw error.with({ evidence: [...error.evidence, ...used] });
    }
  }
}

/** @param id - of this life of the cluster */
function contextOf(run: Parts, id: string, joined?: JoinedCluster, done = new Set<string>()): RunContext {
  const { config, provider } = run;
  return {
    ...run,
    owner: provider.stays ? { id, cluster: config.cluster.name } : undefined,
    joined,
    done,
    milestones: new Milestones(),
    closing: [],
    afterwards: [],
  };
}

const companions = (others: readonly string[]): string =>
  others.length === 0 ? '' : `, which it shares with ${others.join(', ')}`;

function doneIn({ ledger }: ClusterState): Set<string> {
  return new Set(Object.keys(ledger).filter((key) => ledger[key]?.state === 'done'));
}
