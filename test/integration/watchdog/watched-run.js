/*
 * A run for the watchdog's tests: `watched-run.js COMPILED_SOURCE STATE_DIR NAME RECORD END`. Takes the lease, forks a
 * worker as Jest does, says so, and ends in the way it was told.
 */
const { fork } = require('node:child_process');
const { join } = require('node:path');

const [, , compiled, stateDir, name, record, end] = process.argv;
const { openCluster } = require(join(compiled, 'cluster/leases/index.js'));
const { startWatchdog, sweep } = require(join(compiled, 'cluster/watchdog/index.js'));
const remover = require.resolve('./recording-remover.js');
const { deleteCluster } = require(remover);

async function main() {
  if (end === 'sweep') {
    const start = performance.now();
    const abandoned = sweep({ stateDir, remover });
    process.send({ abandoned, milliseconds: performance.now() - start });
    return;
  }
  const runId = `run-${process.pid}`;
  const watchdog = end === 'unwatched' ? undefined : await startWatchdog({ stateDir, name, runId, remover });
  const lease = openCluster({ stateDir, name, runId, deleteCluster });
  const removal = { provider: 'kind', name, runtime: null, with: { record } };
  const { role } = await lease.acquire({ made: {}, removal, keep: 'never' });
  if (role === 'create') await lease.ready({ name, kubeconfig: '/k', context: name });
  // Jest's workers: children with a channel of their own, which outlive a parent that was killed for a moment
  const worker = fork(require.resolve('./idle-worker.js'), { execArgv: [], stdio: 'ignore' });
  process.send({ watchdog: watchdog?.pid, worker: worker.pid });
  worker.disconnect();
  worker.unref();
  if (end === 'released') {
    await lease.release();
    watchdog.dismiss();
  }
  if (end === 'process.exit') process.exit(1);
  if (end === 'throws')
    setImmediate(() => {
      throw new Error('uncaught');
    });
  if (end === 'waits' || end === 'unwatched') setTimeout(() => undefined, 600_000);
  else process.disconnect();
}
void main();
