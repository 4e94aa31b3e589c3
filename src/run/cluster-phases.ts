import type { Phase } from './phases.js';
import type { RunContext } from './plan.js';

/** The cluster: created by this run, or there already. */
export function clusterPhases(context: RunContext): Phase[] {
  const { config, environment, joined, lease, milestones, runId, source } = context;
  const handOver = ({
    name,
    kubeconfig,
    context: kubeContext,
  }: {
    name: string;
    kubeconfig: string;
    context: string;
  }): void => {
    environment.set({
      KUBECONFIG: kubeconfig,
      JEST_KUBERNETES_CLUSTER: name,
      JEST_KUBERNETES_CONTEXT: kubeContext,
      JEST_KUBERNETES_RUN_ID: runId,
    });
  };
  if (joined !== undefined) {
    handOver(joined.access);
    milestones.nodes.reach(joined.nodes);
    milestones.api.reach(joined.access);
    milestones.ready.reach(joined.access);
    return [];
  }
  return [
    {
      name: 'cluster',
      title: source.words.phase,
      after: [],
      limits: config.timeouts.cluster,
      async work({ signal, progress }) {
        const creation = await source.create({ signal, progress });
        // how they fail, ready tells
        creation.nodes.then(milestones.nodes.reach, () => undefined);
        creation.api.then(milestones.api.reach, () => undefined);
        const access = await creation.ready;
        await lease.ready(access);
        handOver(access);
        milestones.ready.reach(access);
        return source.words.reached(access);
      },
    },
  ];
}
