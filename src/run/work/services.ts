import {
  type Api,
  clusterDns,
  openApi,
  serviceAddress,
  serviceIsAnswered,
  type ServiceName,
} from '../../kubernetes/index.js';
import { postgresName } from '../../postgres/index.js';
import { exposedServices, nodePortOf } from '../../services/index.js';
import { pause } from '../../support/abort.js';
import { namespaceOf, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';
import { reach } from './reach.js';

/** How long nodes are given to lead to a Service that is answered, in milliseconds: some do it for their pods alone. */
const nodesLimit = 10_000;

/** Until a pod's connection to a Service is not refused by its node, which hears of the endpoint later. */
async function waitForNodes(
  { milestones, provider }: RunContext,
  api: Api,
  service: ServiceName,
  { signal, progress }: Pick<Step, 'signal' | 'progress'>,
): Promise<void> {
  const { leadTo } = provider;
  if (leadTo === undefined) return;
  const address = await serviceAddress(api, service, signal);
  if (address === undefined) return;
  const nodes = await milestones.nodes.promise;
  const deadline = performance.now() + nodesLimit;
  progress.waitingFor(`the nodes to lead to Service ${service.namespace}/${service.name}`);
  while (!(await leadTo(nodes, address, signal)) && performance.now() < deadline) await pause(200, signal);
}

/**
 * A second or more after a node is Ready its DNS is too, and after PostgreSQL answers here its Service does: until then
 * a pod that asks for either fails. The same goes for what tests talk to, whose addresses are told then.
 */
export async function waitForServices(run: RunContext, { signal, progress }: Step): Promise<undefined> {
  const { config, environment, milestones, provider } = run;
  using api = openApi(await milestones.ready.promise, { signal });
  const { objects } = milestones.manifests.value ?? { objects: [] };
  const exposed = exposedServices(objects, api.namespace);
  const namespace = namespaceOf(run);
  const own = [clusterDns, ...(config.postgres === undefined ? [] : [{ namespace, name: postgresName }])];
  const awaited: ServiceName[] = [...(provider.stays ? [] : own), ...exposed];
  for (const service of awaited) {
    progress.waitingFor(`Service ${service.namespace}/${service.name} to have a ready endpoint`);
    while (!(await serviceIsAnswered(api, service, signal))) await pause(200, signal);
    await waitForNodes(run, api, service, { signal, progress });
    progress.moved(`Service ${service.namespace}/${service.name}`);
  }
  for (const { name, ports, variables, ...service } of exposed) {
    const isOurs = service.namespace === namespace && config.services.some((each) => each.name === name);
    const nodePort = isOurs ? nodePortOf({ name }) : undefined;
    const reached = ports.map(
      async (port) =>
        [port, await reach(run, { ...service, service: name, port, nodePort }, signal)] as const,
    );
    const addresses = new Map(await Promise.all(reached));
    const addressOf = (port: number) => addresses.get(port) ?? { host: '', port };
    environment.set(
      Object.fromEntries(Object.entries(variables).map(([variable, text]) => [variable, text(addressOf)])),
    );
  }
}
