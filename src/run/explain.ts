import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import {
  diagnose,
  type Diagnosis,
  observe,
  type ObserveOptions,
  portIn,
  toError,
  writeBundle,
} from '../diagnose/index.js';
import type { Report, TimelineEntry } from '../report/index.js';
import { isHere } from '../runtime/index.js';
import { type ErrorCode, JestKubernetesError, messageOf } from '../support/errors.js';
import { namespaceOf, type RunContext } from './context.js';

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
  'POSTGRES_FAILED',
]);

/** A failure with its likely cause, and the path of the bundle that holds all that was seen. Never rejects. */
export async function explain(error: unknown, run: FailedRun): Promise<unknown> {
  const { context, report, signal } = run;
  if (context === undefined || signal.aborted) return error;
  const line = report.phase('look for the cause');
  line.waitingFor('what the cluster and its engine can tell');
  const diagnosis = await diagnosisOf(error, context, signal).catch(() => undefined);
  const explained = withCause(error, diagnosis);
  try {
    const bundle = await bundleOf(explained, diagnosis, context, run);
    line.end('done', diagnosis?.cause ?? '');
    if (explained instanceof JestKubernetesError) return explained.with({ bundle });
    report.note(`everything that was seen: ${bundle}`);
  } catch (problem) {
    line.end('failed', `no diagnostics were written: ${messageOf(problem)}`);
  }
  return explained;
}

async function diagnosisOf(
  error: unknown,
  context: RunContext,
  signal: AbortSignal,
): Promise<Diagnosis | undefined> {
  const ours = error instanceof JestKubernetesError ? error : undefined;
  const failure = [messageOf(error), ...(ours?.evidence ?? [])].join('\n');
  const port = portIn(failure);
  if (port === undefined && !(ours !== undefined && withoutCause.has(ours.code))) return undefined;
  const place = await whereToLook(context);
  const engineHost = elsewhere(place);
  const ports = port === undefined || engineHost !== undefined ? [] : [port];
  const snapshot = await observe({ ...place, signal, ports });
  return diagnose(snapshot, { failure, restarts: 1, engineHost });
}

type Place = Pick<ObserveOptions, 'access' | 'namespace' | 'engine'>;

/** The host of an engine that is on another machine. */
function elsewhere({ engine }: Place): string | undefined {
  return engine === undefined || isHere(engine.runtime) ? undefined : engine.runtime.host;
}

/** All of a cluster of our own and the engine that it lives in; of another's cluster our own namespace alone. */
async function whereToLook(run: RunContext): Promise<Place> {
  const { config, milestones, provider } = run;
  const access = milestones.api.value;
  if (provider.stays) return { access, namespace: namespaceOf(run) };
  const nodes = milestones.nodes.value ?? [{ name: `${config.cluster.name}-control-plane` }];
  return { access, engine: { runtime: await provider.runtime(), containers: nodes.map(({ name }) => name) } };
}

async function bundleOf(
  error: unknown,
  diagnosis: Diagnosis | undefined,
  context: RunContext,
  { timeline, signal, env }: FailedRun,
): Promise<string> {
  const { config, runId, provider, environment } = context;
  const { namespace, ...place } = await whereToLook(context);
  return writeBundle({
    directory: config.diagnostics,
    runId,
    error,
    diagnosis,
    ...place,
    namespaces: namespace === undefined ? undefined : [namespace],
    timeline,
    signal,
    exportLogs: provider.exportLogs,
    versions: versions(config.rootDir, place.engine?.runtime),
    env: { ...env, ...environment.variables() },
    secrets: [config.postgres?.password].filter((password) => password !== undefined),
    ports: [config.postgres?.hostPort ?? 0].filter((port) => port !== 0 && elsewhere(place) === undefined),
  });
}

function versions(
  rootDir: string,
  engine: { name: string; version: string; platform: string } | undefined,
): Record<string, string> {
  const required = createRequire(path.join(rootDir, 'package.json'));
  const versionOf = (find: () => string): string => {
    try {
      return (JSON.parse(readFileSync(find(), 'utf8')) as { version: string }).version;
    } catch {
      return 'not found';
    }
  };
  return {
    'jest-kubernetes': versionOf(() => path.join(__dirname, '../../package.json')),
    jest: versionOf(() => required.resolve('jest/package.json')),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    ...(engine === undefined ? {} : { [engine.name]: `${engine.version} (${engine.platform})` }),
  };
}

/** What failed, and why: the cause's own code, evidence and remedy come first. */
function withCause(error: unknown, diagnosis: Diagnosis | undefined): unknown {
  if (diagnosis === undefined) return error;
  const told = toError(diagnosis, { what: messageOf(error), cause: error });
  if (!(error instanceof JestKubernetesError)) return told;
  const { code, message, remedy } = told;
  return error.with({ code, message, evidence: [...told.evidence, ...error.evidence], remedy });
}
