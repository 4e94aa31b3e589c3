import { relative } from 'node:path';

import { formatCause, leaveFile, lookAtTest, type RedTest } from '../diagnose/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { bundleLine } from '../support/pages.js';
import { clusterAccess } from './cluster.js';
import type { Scope } from './scope.js';
import { currentTestFile, type TestFile } from './test-file.js';

/** How long after its failure a red test may be looked at, in milliseconds. */
const budget = 1_800;

/** Failures that say what did not come, and not why: what may still come can be the reason. */
const waited =
  /exceeded timeout|timed? ?out|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ENOTFOUND|socket hang up|fetch failed|^eventually: tried/im;

export interface Failure {
  /** The test, or the hook where no test runs. */
  name: string;
  error: unknown;
  /** As Jest will show it. */
  text: string;
  /** When it began, in milliseconds since the epoch. Default: as the test, or the file, did. */
  startedAt?: number | undefined;
  /** By `performance.now()`. */
  failedAt: number;
}

/**
 * Looks for the cause of a failed test in what it, its file's hooks and its waits have made and touched, for two seconds
 * at most, and keeps what was seen.
 *
 * @returns what is to be told under the test's own failure; undefined where the run wants no such look
 */
export async function explainFailure(failure: Failure): Promise<string | undefined> {
  const { name, error, text, startedAt, failedAt } = failure;
  const run = process.env['JEST_KUBERNETES_DIAGNOSTICS'];
  const file = currentTestFile();
  if (run === undefined || run === '' || file === undefined) return undefined;
  const scopes = file.test === undefined ? [file.scope] : [file.scope, file.test];
  const own = file.test ?? file.scope;
  const traces = scopes.flatMap((scope) => scope.traces);
  const namespaces = scopes.flatMap((scope) => scope.namespaces);
  const signal = AbortSignal.timeout(Math.max(0, Math.round(budget - (performance.now() - failedAt))));
  const red: RedTest = {
    ...{ run, file: relative(process.cwd(), file.path), test: name, error: text },
    startedAt: startedAt ?? own.startedAt,
    access: traces.length > 0 || namespaces.length > 0 ? accessOf() : undefined,
    ...{ namespaces, touched: traces, lacks: lackingIn(own), others: file.ended, signal },
  };
  const { diagnosis, folder } = await lookAtTest(red);
  const path = shown(folder);
  const isOurs = error instanceof JestKubernetesError;
  const isTold = isOurs && error.code !== 'WAIT_FAILED';
  const hasWaited = isOurs || waited.test(messageOf(error));
  if (diagnosis === undefined || isTold || !(diagnosis.conclusive || hasWaited)) return bundleLine(path);
  return formatCause(diagnosis, path);
}

function accessOf(): RedTest['access'] {
  try {
    return clusterAccess();
  } catch {
    return undefined;
  }
}

const lackingIn = ({ traces }: Scope): string[] =>
  traces.flatMap(({ kind, name, selector, condition, lacks }) =>
    condition === undefined || lacks === undefined
      ? []
      : [`${kind} ${name ?? selector ?? ''}: ${condition}: ${lacks}`],
  );

/** Short, where it is below the folder that Jest was started in. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** Leaves for the page of the run which tests of a red file ran when. */
export function noteFile({ path, scope, ended }: TestFile): void {
  const run = process.env['JEST_KUBERNETES_DIAGNOSTICS'];
  if (run === undefined || run === '' || ended.length === 0) return;
  const file = relative(process.cwd(), path);
  leaveFile(run, { kind: 'file', file, startedAt: scope.startedAt, endedAt: Date.now(), tests: ended });
}
