import { toError, watchForCause } from '../diagnose/index.js';
import { forwardPort } from '../kubernetes/index.js';
import { orAborted } from '../support/abort.js';
import {
  deployPostgres,
  dropDeadRunDatabases,
  dropRunDatabases,
  postgresKey,
  postgresName,
  postgresNodePort,
  postgresVariables,
  prepareTemplate,
  waitForPostgres,
  type PostgresAddress,
  type PostgresServer,
} from '../postgres/index.js';
import type { Phase } from './phases.js';
import { Milestone, namespaceOf, once, sparing, type RunContext } from './plan.js';

/** PostgreSQL: deployed as soon as the API server answers, so that it starts when its node and its image are there. */
export function postgresPhases(context: RunContext): Phase[] {
  const { config, environment, imports, lease, milestones, runId } = context;
  const { postgres, timeouts } = config;
  if (postgres === undefined) return [];
  const own = config.cluster.provider === 'kind';
  const namespace = namespaceOf(config);
  const deployed = new Milestone<PostgresServer>();
  const image = imports.get(postgres.image);

  return [
    {
      name: 'deploy PostgreSQL',
      title: 'deploy PostgreSQL',
      after: ['api', 'nodes'],
      limits: timeouts.postgres,
      async work({ signal, progress }) {
        const [access, nodes] = await Promise.all([milestones.api.promise, milestones.nodes.promise]);
        // its port is published there
        const node = own ? nodes.find(({ role }) => role === 'control-plane')?.name : undefined;
        const owner = own ? undefined : config.cluster.name;
        const options = { signal, progress, namespace, node, owner, imageThere: image?.promise };
        const importing = (): boolean => image !== undefined && image.value === undefined;
        deployed.reach(await sparing(progress, importing, () => deployPostgres(access, postgres, options)));
        return undefined;
      },
    },
    {
      name: 'PostgreSQL',
      title: 'PostgreSQL answers',
      after: ['deploy PostgreSQL'],
      limits: timeouts.postgres,
      async work({ signal, progress }) {
        const access = await milestones.api.promise;
        const { user, password } = await deployed.promise;
        const address = { host: '127.0.0.1', port: await portOf(context, namespace, signal), user, password };
        const since = Date.now();
        const watch = (watching: AbortSignal): Promise<never> =>
          watchForCause({
            ...{ access, namespace, signal: watching, interval: watchInterval },
            // its image starts at once or never: there is nothing that it could be waiting for
            context: () => ({ restarts: 1, since }),
          }).then((cause) => {
            throw toError(cause, { what: 'PostgreSQL cannot start' });
          });
        // which has limits of its own
        const booting = (): boolean => milestones.ready.value === undefined;
        await sparing(progress, booting, async () => {
          await waitForPostgres(access, address, { signal, progress, namespace, watch });
          if (postgres.initdb.length === 0) return;
          // scripts run through the kubelet, which kubeadm starts anew at the end
          progress.waitingFor('the cluster to be ready for init scripts');
          await orAborted(milestones.ready.promise, signal);
        });
        const options = { signal, progress, namespace, rootDir: config.rootDir, rebuild: true };
        const key = await postgresKey(postgres, config.rootDir);
        const template = await once(context, `template:${key}`, progress, () =>
          prepareTemplate(access, postgres, address, options),
        );
        await dropDeadRunDatabases(address, () => lease.liveRuns());
        context.closing.push(() => leave(address, runId));
        environment.set(postgresVariables({ ...address, template, runId }));
        return undefined;
      },
    },
  ];
}

/** Between two looks for a cause, in milliseconds: each costs the API server some questions. */
const watchInterval = 2000;

/** The host's port: published by the node, or forwarded by this process where the cluster publishes none. */
async function portOf(context: RunContext, namespace: string, signal: AbortSignal): Promise<number> {
  const { config, source, milestones, closing } = context;
  const asked = config.postgres?.hostPort ?? 0;
  const published = await source.hostPort(postgresNodePort, signal);
  if (published !== undefined && (asked === 0 || asked === published)) return published;
  const forward = await forwardPort({
    access: await milestones.api.promise,
    ...{ namespace, service: postgresName, port: 5432, localPort: asked },
  });
  closing.push(() => forward.close());
  return forward.port;
}

/** The run's databases go; a server that does not answer any more has none. */
async function leave(address: PostgresAddress, runId: string): Promise<void> {
  await dropRunDatabases(address, runId).catch(() => undefined);
}
