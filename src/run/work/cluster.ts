import { failureMark } from '../../cluster/index.js';
import { bundlePath } from '../../diagnose/index.js';
import type { ClusterAccess } from '../../kubernetes/index.js';
import type { RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';
import { makesByItself, startMaker } from '../snapshot-maker/index.js';

/** This run makes it. */
export async function createCluster(run: RunContext, step: Step): Promise<string | undefined> {
  const { afterwards, config, env, lease, milestones, provider } = run;
  const { nodes, api, ready, lacksSnapshot } = provider.create(step);
  // how they fail, ready tells
  nodes.then(milestones.nodes.reach, () => undefined);
  api.then(milestones.api.reach, () => undefined);
  const access = await ready;
  if ((await lacksSnapshot) === true && makesByItself(config, env))
    afterwards.push((report) => startMaker(config, { report, env }));
  await lease.ready(access);
  handOver(run, access);
  milestones.ready.reach(access);
  return provider.words.reached(access);
}

/** Another run has made it, and it answers. */
export function useCluster(run: RunContext): Promise<undefined> {
  const { joined, milestones } = run;
  if (joined === undefined) throw new Error('this run has joined no cluster');
  handOver(run, joined.access);
  milestones.nodes.reach(joined.nodes);
  milestones.api.reach(joined.access);
  milestones.ready.reach(joined.access);
  return Promise.resolve(undefined);
}

/** What every worker then sees. */
function handOver(
  { config, environment, runId, startedAt, owner }: RunContext,
  { name, kubeconfig, context }: ClusterAccess,
): void {
  const { diagnostics, keep, stateDir } = config;
  environment.set({
    KUBECONFIG: kubeconfig,
    JEST_KUBERNETES_CLUSTER: name,
    JEST_KUBERNETES_CONTEXT: context,
    JEST_KUBERNETES_RUN_ID: runId,
    JEST_KUBERNETES_KEEP: keep,
    JEST_KUBERNETES_FAILED: failureMark(stateDir, runId),
    // of a run that a test of another run starts, that one's are there already
    JEST_KUBERNETES_DIAGNOSTICS: diagnostics.tests
      ? bundlePath(diagnostics.directory, runId, startedAt)
      : undefined,
    JEST_KUBERNETES_OWNER: owner?.id,
  });
}
