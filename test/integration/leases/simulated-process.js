/*
 * One of the simulation's processes: `simulated-process.js COMPILED_SOURCE`. Does one run after another, each as its
 * plan says, and dies where the plan says so.
 */
const fs = require('node:fs');
const { join } = require('node:path');
const { open, pause } = require('./simulated-cluster.js');

const compiled = process.argv[2];
const { openCluster } = require(join(compiled, 'cluster/leases/index.js'));
const { startWatchdog } = require(join(compiled, 'cluster/watchdog/index.js'));

const die = () => process.kill(process.pid, 'SIGKILL');

let plan;
const point = (name) => {
  if (plan.dieAt === name) die();
};

// every write of a state is a rename, and happens inside the mutex
const rename = fs.renameSync;
let writes = 0;
fs.renameSync = (from, to) => {
  const ours = String(to).endsWith('state.json') || String(to).includes('gone-');
  if (ours) writes += 1;
  if (ours && plan.dieAt === `before write ${writes}`) die();
  rename(from, to);
  if (ours && plan.dieAt === `after write ${writes}`) die();
};

async function run() {
  const { name, runId, stateDir, folder, keep, image, pauses } = plan;
  const cluster = open(folder);
  writes = 0;
  const deleteCluster = async () => {
    cluster.log('deleting');
    point('deleting');
    await pause(pauses[0]);
    cluster.delete(`by ${runId}`);
    point('deleted');
  };
  const watchdog = plan.watchdog
    ? await startWatchdog({ stateDir, name, runId, remover: require.resolve('./simulated-cluster.js') })
    : undefined;
  const lease = openCluster({ stateDir, name, runId, deleteCluster });
  const removal = { provider: 'kind', name, runtime: null, with: { folder } };
  let acquired;
  try {
    acquired = await lease.acquire({ made: { image }, removal, keep });
  } catch (error) {
    watchdog?.dismiss();
    if (error.code === 'CONFIG_CONFLICT') return 'refused';
    throw error;
  }
  point('acquired');
  if (acquired.role === 'create') {
    point('creating');
    await pause(pauses[1]);
    cluster.create(runId);
    point('created');
    await lease.ready({ name, kubeconfig: runId, context: name });
  }
  const leave = cluster.use();
  const life = cluster.life();
  const look = () => {
    if (cluster.life() === undefined || cluster.life() !== life)
      cluster.violation(`${runId} lost its cluster ${life}`);
  };
  look();
  point('using');
  for (const key of ['images', 'manifests']) {
    let mine = false;
    const value = await lease.once(key, async () => {
      mine = true;
      const end = cluster.enter(key);
      await pause(pauses[2]);
      point(`doing ${key}`);
      end();
      return life;
    });
    if (mine) cluster.log('done', { key, life });
    if (value !== life) cluster.violation(`${key} is said to be done, but in ${value}, not in ${life}`);
    look();
  }
  await pause(pauses[3]);
  look();
  if (plan.fails) await lease.markFailed();
  leave();
  point('finished');
  const outcome = await lease.release();
  watchdog?.dismiss();
  return `${acquired.role}, ${outcome}`;
}

process.on('message', async (next) => {
  plan = next;
  try {
    process.send({ outcome: await run() });
  } catch (error) {
    process.send({ outcome: 'error', error: String(error.stack) });
  }
});
process.on('disconnect', () => process.exit());
