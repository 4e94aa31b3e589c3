import {
  deployPostgres,
  dropDeadRunDatabases,
  dropRunDatabases,
  forwardPort,
  postgresName,
  postgresNodePort,
  postgresVariables,
  prepareTemplate,
  waitForPostgres,
  type PostgresAddress,
  type PostgresServer,
} from '../workloads/index.js';
import type { Phase } from './phases.js';
import type { RunContext } from './plan.js';

/** PostgreSQL: deployed as soon as the API server answers, so that it starts when its node and its image are there. */
export function postgresPhases(context: RunContext): Phase[] {
  const { config, environment, lease, milestones, runId } = context;
  const { postgres, timeouts } = config;
  if (postgres === undefined) return [];
  const own = config.cluster.provider === 'kind';
  const namespace = own ? 'jest-kubernetes' : `jest-kubernetes-${config.cluster.name}`;
  const deployed = Promise.withResolvers<PostgresServer>();
  deployed.promise.catch(() => undefined);

  return [
    {
      name: 'deploy PostgreSQL',
      title: 'deploy PostgreSQL',
      after: ['api', 'nodes'],
      limits: timeouts.postgres,
      async work({ signal, progress }) {
        const [access, nodes] = await Promise.all([milestones.api.promise, milestones.nodes.promise]);
        const node = own ? nodes[0]?.name : undefined;
        deployed.resolve(await deployPostgres(access, postgres, { signal, progress, namespace, node }));
        return undefined;
      },
    },
    {
      name: 'PostgreSQL',
      title: 'PostgreSQL answers',
      after: ['deploy PostgreSQL', 'ready'],
      limits: timeouts.postgres,
      async work({ signal, progress }) {
        const access = await milestones.ready.promise;
        const { user, password } = await deployed.promise;
        const address = { host: '127.0.0.1', port: await portOf(context, namespace, signal), user, password };
        await waitForPostgres(access, address, { signal, progress, namespace });
        const template = await prepareTemplate(access, postgres, address, {
          ...{ signal, progress, namespace, rootDir: config.rootDir },
        });
        await dropDeadRunDatabases(address, () => lease.liveRuns());
        context.closing.push(() => leave(address, runId));
        environment.set(postgresVariables({ ...address, template, runId }));
        return undefined;
      },
    },
  ];
}

/** The host's port: published by the node, or forwarded by this process where the cluster publishes none. */
async function portOf(context: RunContext, namespace: string, signal: AbortSignal): Promise<number> {
  const { config, source, milestones, closing } = context;
  const asked = config.postgres?.hostPort ?? 0;
  const published = await source.hostPort(postgresNodePort, signal);
  if (published !== undefined && (asked === 0 || asked === published)) return published;
  const forward = await forwardPort({
    access: await milestones.ready.promise,
    ...{ namespace, service: postgresName, port: 5432, localPort: asked },
  });
  closing.push(() => forward.close());
  return forward.port;
}

/** The run's databases go; a server that does not answer any more has none. */
async function leave(address: PostgresAddress, runId: string): Promise<void> {
  await dropRunDatabases(address, runId).catch(() => undefined);
}
