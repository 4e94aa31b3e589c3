import {
  diagnose,
  type Diagnosis,
  observe,
  type ObserveOptions,
  portIn,
  type Scope,
  toError,
  writeBundle,
} from '../diagnose/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import type { Report, TimelineEntry } from '../report/index.js';
import { isHere } from '../runtime/index.js';
import { type ErrorCode, JestKubernetesError, messageOf } from '../support/errors.js';
import { bundleLine } from '../support/pages.js';
import { namespaceOf, type RunContext } from './context.js';
import { plan } from './plan.js';
import { versionsHere } from './versions.js';

export interface FailedRun {
  /** Undefined where the run failed before it took part in a cluster: there is nothing to look at. */
  context: RunContext | undefined;
  timeline: readonly TimelineEntry[];
  report: Report;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
}

/** Failures that say what did not happen, and not why: the cluster may. */
const withoutCause: ReadonlySet<ErrorCode> = new Set([
  'STALLED',
  'TIMED_OUT',
  'CLUSTER_NOT_READY',
  'CLUSTER_UNREACHABLE',
  'MANIFEST_FAILED',
  'WAIT_FAILED',
  'POSTGRES_FAILED',
]);

/** A failure with its likely cause, and the path of the bundle that holds all that was seen. Never rejects. */
export async function explain(error: unknown, run: FailedRun): Promise<unknown> {
  const { context, report, signal } = run;
  if (context === undefined || signal.aborted) return error;
  const line = report.phase('look for the cause');
  line.waitingFor('what the cluster and its engine can tell');
  const diagnosis = await diagnosisOf(error, context, run).catch(() => undefined);
  const explained = withCause(error, diagnosis);
  try {
    const bundle = await bundleOf(explained, diagnosis, context, run);
    line.end('done', diagnosis?.cause ?? '');
    if (explained instanceof JestKubernetesError) return explained.with({ bundle });
    report.warn(bundleLine(bundle));
  } catch (problem) {
    line.end('failed', `no diagnostics were written: ${messageOf(problem)}`);
  }
  return explained;
}

async function diagnosisOf(
  error: unknown,
  context: RunContext,
  { signal, timeline }: FailedRun,
): Promise<Diagnosis | undefined> {
  const ours = error instanceof JestKubernetesError ? error : undefined;
  const failure = [messageOf(error), ...(ours?.evidence ?? [])].join('\n');
  const port = portIn(failure);
  const scope = ours !== undefined && withoutCause.has(ours.code) ? scopeOf(context, timeline) : undefined;
  if (port === undefined && scope === undefined) return undefined;
  const { access, engine } = await whereToLook(context);
  const engineHost = elsewhere({ engine });
  const ports = port === undefined || engineHost !== undefined ? [] : [port];
  const snapshot = await observe({ ...(scope && { access, scope }), engine, signal, ports });
  return diagnose(snapshot, { failure, restarts: 1, engineHost });
}

/** Where the phase that failed first may have failed; undefined where nothing in the cluster has a part in it. */
function scopeOf(context: RunContext, timeline: readonly TimelineEntry[]): Scope | undefined {
  const failed = timeline.find(({ outcome }) => outcome === 'failed')?.phase;
  return plan(context).find(({ name }) => name === failed)?.within;
}

interface Place {
  access: ClusterAccess | undefined;
  engine: ObserveOptions['engine'];
  /** Undefined is all of them. */
  namespaces: readonly string[] | undefined;
}

/** The host of an engine that is on another machine. */
function elsewhere({ engine }: Pick<Place, 'engine'>): string | undefined {
  return engine === undefined || isHere(engine.runtime) ? undefined : engine.runtime.host;
}

/** All of a cluster of our own and the engine that it lives in; of another's cluster our own namespace alone. */
async function whereToLook(run: RunContext): Promise<Place> {
  const { config, milestones, provider } = run;
  const access = milestones.api.value;
  if (provider.stays) return { access, engine: undefined, namespaces: [namespaceOf(run)] };
  const nodes = milestones.nodes.value ?? [{ name: `${config.cluster.name}-control-plane` }];
  const engine = { runtime: await provider.runtime(), containers: nodes.map(({ name }) => name) };
  return { access, engine, namespaces: undefined };
}

async function bundleOf(
  error: unknown,
  diagnosis: Diagnosis | undefined,
  context: RunContext,
  { timeline, signal, env }: FailedRun,
): Promise<string> {
  const { config, runId, startedAt, provider, environment } = context;
  const place = await whereToLook(context);
  return writeBundle({
    directory: config.diagnostics.directory,
    runId,
    startedAt,
    error,
    diagnosis,
    ...place,
    timeline,
    signal,
    exportLogs: provider.exportLogs,
    versions: versionsHere(config.rootDir, place.engine?.runtime),
    env: { ...env, ...environment.variables() },
    secrets: [config.postgres?.password].filter((password) => password !== undefined),
    ports: [config.postgres?.hostPort ?? 0].filter((port) => port !== 0 && elsewhere(place) === undefined),
  });
}

/**
 * What failed, and why: the code, evidence and remedy of a cause that is certain come first. One that may pass by itself
 * is told after the error's own evidence.
 */
function withCause(error: unknown, diagnosis: Diagnosis | undefined): unknown {
  if (diagnosis === undefined) return error;
  if (!diagnosis.conclusive) {
    if (!(error instanceof JestKubernetesError)) return error;
    const { sentence, evidence, remedy } = diagnosis;
    const seen = [`meanwhile: ${sentence}`, ...evidence.slice(0, 3).map((line) => `    ${line}`)];
    return error.with({ evidence: [...error.evidence, ...seen], remedy: error.remedy ?? remedy });
  }
  const told = toError(diagnosis, { what: messageOf(error), cause: error });
  if (!(error instanceof JestKubernetesError)) return told;
  const { code, message, remedy } = told;
  return error.with({ code, message, evidence: [...told.evidence, ...error.evidence], remedy });
}
