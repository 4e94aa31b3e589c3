import type { PostgresConfig } from '../../config/index.js';
import { toError, watchForCause } from '../../diagnose/index.js';
import {
  asUser,
  deployPostgres,
  dropDeadRunDatabases,
  dropRunDatabases,
  type PostgresAddress,
  postgresKey,
  postgresName,
  postgresNodePort,
  type PostgresPlacement,
  postgresVariables,
  prepareTemplate,
  startPostgres,
  waitForPostgres,
  workerPostgres,
} from '../../postgres/index.js';
import { namespaceOf, once, publishingNode, type RunContext, sparing } from '../context.js';
import type { Step } from '../phase-graph.js';
import { reach } from './reach.js';

/** Between two looks for a cause, in milliseconds: each costs the API server some questions. */
const watchInterval = 2000;

/** Everything that the server needs before its image is there. */
export async function deployServer(run: RunContext, step: Step): Promise<undefined> {
  const { config, milestones } = run;
  const access = await milestones.api.promise;
  milestones.server.reach(
    await deployPostgres(access, wanted(config), { ...step, ...(await placementOf(run)) }),
  );
}

/** The server itself, until it answers. */
export async function startServer(run: RunContext, step: Step): Promise<undefined> {
  const { config, milestones } = run;
  const { signal, progress } = step;
  const access = await milestones.api.promise;
  const namespace = namespaceOf(run);
  await startPostgres(access, wanted(config), { ...step, ...(await placementOf(run)) });
  const { user, password } = await milestones.server.promise;
  const server = { namespace, service: postgresName, port: 5432, nodePort: postgresNodePort };
  const asked = wanted(config).hostPort;
  const address = { ...(await reach(run, { ...server, asked }, signal)), user, password };
  const since = Date.now();
  const watch = (watching: AbortSignal): Promise<never> =>
    watchForCause({
      access,
      scope: { namespaces: [namespace] },
      signal: watching,
      interval: watchInterval,
      // its image starts at once or never: there is nothing that it could be waiting for
      context: () => ({ restarts: 1, since }),
    }).then((cause) => {
      throw toError(cause, { what: 'PostgreSQL cannot start' });
    });
  // a cluster that boots has limits of its own
  const booting = (): boolean => milestones.ready.value === undefined;
  await sparing(progress, booting, () =>
    waitForPostgres(access, address, { signal, progress, namespace, watch }),
  );
  milestones.database.reach(address);
}

/** The database that each worker's own is a copy of, once in the cluster's life. */
export async function makeTemplate(run: RunContext, { signal, progress }: Step): Promise<undefined> {
  const { closing, config, environment, lease, milestones, runId } = run;
  const access = await milestones.api.promise;
  const address = await milestones.database.promise;
  const { migrateIn: cwd } = wanted(config);
  const liveRuns = (): Promise<readonly string[]> => lease.liveRuns();
  const options = { signal, progress, namespace: namespaceOf(run), cwd, runId, liveRuns };
  // they may belong to roles that a template is about to add anew
  await dropDeadRunDatabases(address, liveRuns);
  const key = await postgresKey(wanted(config), cwd);
  await once(run, `template:${key}`, progress, () =>
    prepareTemplate(access, wanted(config), address, { ...options, rebuild: true }),
  );
  // where it stands, as it nearly always does, this is one look
  const template = await prepareTemplate(access, wanted(config), address, options);
  const before = workerPostgres(environment.variables())?.template;
  if (before === undefined) closing.push(() => leave(address, runId));
  // a watch's, whose workers would have their databases given back as these were made
  else if (before !== template) await leave(address, runId);
  const { reset, storage } = wanted(config);
  environment.set(postgresVariables({ ...asUser(address, wanted(config)), template, runId, reset, storage }));
}

function wanted({ postgres }: RunContext['config']): PostgresConfig {
  if (postgres === undefined) throw new Error('this run has no PostgreSQL');
  return postgres;
}

/** In a cluster of our own at the address of the node that publishes its port; in another's wherever there is room. */
async function placementOf(run: RunContext): Promise<PostgresPlacement> {
  return { namespace: namespaceOf(run), owner: run.owner, node: await publishingNode(run) };
}

/** The run's databases go; a server that does not answer any more has none. */
async function leave(address: PostgresAddress, runId: string): Promise<void> {
  await dropRunDatabases(address, runId).catch(() => undefined);
}
