import { json } from 'node:stream/consumers';

import { Report } from '../../report/index.js';
import { say } from '../../support/detached.js';
import { formatError, type JestKubernetesError, messageOf } from '../../support/errors.js';
import { makeSnapshot } from '../make-snapshot.js';
import { noteFailure, takeMaking, tidyNotes } from './notes.js';
import { untilQuiet, whileQuiet } from './quiet.js';
import type { Task } from './start.js';

/*
 * The process that makes a snapshot in the background. It is told what on its standard input; its output is its log.
 * A run that comes while it is at work has the machine to itself: what was begun goes, and is begun anew afterwards.
 */

/** How long a quiet moment is waited for, in milliseconds; the next run's end starts another process. */
const patience = 60 * 60 * 1000;

async function main(): Promise<void> {
  const { key, config } = (await json(process.stdin)) as Task;
  const { stateDir } = config;
  const until = performance.now() + patience;
  tidyNotes(stateDir);
  using making = await takeMaking(stateDir, key);
  if (making === undefined) return;
  while (await untilQuiet(stateDir, { until })) {
    using quiet = whileQuiet(stateDir);
    try {
      say(`snapshot ${key}: begins`);
      const report = new Report();
      const outcome = await makeSnapshot(config, { report, signal: quiet.signal, lowPriority: true });
      say(`snapshot ${key}: ${outcome}`);
      return;
    } catch (error) {
      if (!quiet.signal.aborted) {
        fail(error, stateDir, key);
        return;
      }
      say(`snapshot ${key}: a run needs the machine`);
    }
  }
  say(`snapshot ${key}: there was no quiet moment`);
}

function fail(error: unknown, stateDir: string, key: string): void {
  say(`snapshot ${key}: ${formatError(error)}`);
  process.exitCode = 1;
  const { code, evidence = [] } = error as Partial<JestKubernetesError>;
  // another state directory's process makes it
  if (code === 'CLUSTER_NAME_TAKEN') return;
  noteFailure(stateDir, key, [messageOf(error), ...evidence].join(': '));
}

void main();
