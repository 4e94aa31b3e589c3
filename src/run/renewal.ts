import type { Config } from '../config/index.js';
import { imageSourceKey } from '../images/index.js';
import { ManifestReading } from '../kubernetes/index.js';
import { formatSeconds, type TimelineEntry } from '../report/index.js';
import { differingLeaves } from '../support/differing-leaves.js';
import { Milestones, type RunContext } from './context.js';
import { explain, type FailedRun } from './explain.js';
import { PhaseGraph } from './phase-graph.js';
import { plan } from './plan.js';

/** What a cluster that runs, and a run's lease on it, cannot take over. */
const fixed = ['cluster', 'keep', 'quiet', 'diagnostics', 'runtime', 'stateDir'] as const;
const fixedOfServer = ['image', 'settings', 'resources', 'storage', 'hostPort'] as const;

/** What a configuration has become, as far as a cluster that runs can take it over, and the keys in which it cannot. */
export function takenOver(before: Config, now: Config): { config: Config; refused: string[] } {
  const kept = <T extends object, K extends keyof T & string>(old: T, keys: readonly K[]): Pick<T, K> =>
    Object.fromEntries(keys.map((key) => [key, old[key]])) as Pick<T, K>;
  const ofRun = kept(before, fixed);
  const config = { ...now, ...ofRun };
  const refused = keysOf(differingLeaves(ofRun, kept(now, fixed)));
  if (before.postgres === undefined || now.postgres === undefined) return { config, refused };
  const ofServer = kept(before.postgres, fixedOfServer);
  const changed = differingLeaves({ postgres: ofServer }, { postgres: kept(now.postgres, fixedOfServer) });
  return {
    config: { ...config, postgres: { ...now.postgres, ...ofServer } },
    refused: [...refused, ...keysOf(changed)],
  };
}

/** As a user writes them: of `cluster.nodes.1.role` it is `cluster.nodes`. */
const keysOf = (leaves: readonly { path: string }[]): string[] => [
  ...new Set(leaves.map(({ path }) => path.split('.').slice(0, 2).join('.'))),
];

/** The run once more, on the cluster that is there: what has been done in its life already is not done again. */
function renewedContext(before: RunContext, config: Config): RunContext {
  const access = before.milestones.ready.value;
  if (access === undefined) throw new Error('a run that is renewed has a cluster');
  const pulled = before.config.images.filter((image) => image.kind === 'pull' && !image.isOptional);
  return {
    ...before,
    config,
    joined: { access, nodes: before.milestones.nodes.value ?? [] },
    done: new Set([...before.done, ...pulled.map((image) => `image:${imageSourceKey(image)}`)]),
    milestones: new Milestones(),
    reading: new ManifestReading(config.manifests),
  };
}

/**
 * Brings what has changed since a run was set up into its cluster, as far as one that runs can take it over.
 * @param added - variables that nobody has set yet
 * @returns the run from now on
 * @throws JestKubernetesError with its cause; the run is as it was, but for what was done
 */
export async function renew(
  before: RunContext,
  wanted: Config,
  added: Readonly<Record<string, string>>,
  { report, signal, env }: Pick<FailedRun, 'report' | 'signal' | 'env'>,
): Promise<RunContext> {
  const started = performance.now();
  const { config, refused } = takenOver(before.config, wanted);
  if (refused.length > 0)
    report.warn(`stays as it was made, until this watch is started anew: ${refused.join(', ')}`);
  before.environment.setAbsent(added);
  const context = renewedContext(before, config);
  const timeline: TimelineEntry[] = [];
  const graph = new PhaseGraph({ signal, report, timeline });
  graph.start(plan(context), context.milestones.byName());
  try {
    await graph.settled();
  } catch (error) {
    throw await explain(error, { context, timeline, report, signal, env });
  }
  report.note(`took over what has changed in ${formatSeconds(performance.now() - started)}`);
  return context;
}
