import { findAbandoned, findDeadRuns, listClusters } from '../../cluster/index.js';
import { checkStateDirectory } from '../../support/state-directory.js';
import { type Examine, ok, warning } from './finding.js';

export const stateDirectory: Examine = async ({ settings }) => {
  const { stateDir } = await settings;
  checkStateDirectory(stateDir);
  return ok(stateDir);
};

export const leftovers: Examine = async ({ settings }) => {
  const { stateDir } = await settings;
  const left = [
    ...findAbandoned(stateDir).map((name) => `the cluster ${name}, which nobody uses`),
    ...findDeadRuns(stateDir).map(({ runId, name }) => `what the dead run ${runId} set up in ${name}`),
  ];
  if (left.length > 0) return warning(left.join('; '), { command: 'npx jest-kubernetes prune' });
  const count = listClusters(stateDir).length;
  return ok(count === 0 ? 'none' : `none; ${count === 1 ? 'a cluster is' : `${count} clusters are`} up`);
};
