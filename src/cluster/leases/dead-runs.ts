import { identifyProcess } from '../../support/process-identity.js';
import type { CleanUp } from './abandoned.js';
import { openCluster } from './leases.js';
import { claimRun, findDeadRuns } from './run-folder.js';

/**
 * Gives back the leases on existing clusters of runs that died, where even their watchdogs could not.
 * @returns what was done, in words
 */
export async function releaseDeadRuns({ stateDir, deleteCluster, onFailure }: CleanUp): Promise<string[]> {
  const me = identifyProcess(process.pid);
  const released: string[] = [];
  for (const { runId, name } of findDeadRuns(stateDir)) {
    if (me === undefined || (await claimRun(stateDir, runId, me)) === undefined) continue;
    try {
      await openCluster({ stateDir, name, runId, provider: 'existing', deleteCluster }).release();
      released.push(`what run ${runId} left of ${name}`);
    } catch (error) {
      onFailure(name, error);
    }
  }
  return released;
}
