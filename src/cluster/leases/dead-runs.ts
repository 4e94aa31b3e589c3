import { identifyProcess } from '../../support/process-identity.js';
import { type DeleteCluster, openCluster } from './leases.js';
import { claimRun, findDeadRuns } from './run-folder.js';

/**
 * Gives back the leases on existing clusters of runs that died, where even their watchdogs could not.
 * @returns what was done, in words; a failure is told to `onFailure`, and the next one goes on
 */
export async function releaseDeadRuns({
  stateDir,
  deleteCluster,
  onFailure,
}: {
  stateDir: string;
  deleteCluster: DeleteCluster;
  onFailure: (name: string, error: unknown) => void;
}): Promise<string[]> {
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
