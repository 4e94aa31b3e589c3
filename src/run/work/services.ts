import { clusterDns, openApi, serviceIsAnswered, type ServiceName } from '../../kubernetes/index.js';
import { postgresName } from '../../postgres/index.js';
import { pause } from '../../support/abort.js';
import { namespaceOf, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/**
 * A second or more after a node is Ready its DNS is too, and after PostgreSQL answers here its Service does: until then
 * a pod that asks for either fails.
 */
export async function waitForServices(run: RunContext, { signal, progress }: Step): Promise<undefined> {
  using api = openApi(await run.milestones.ready.promise, { signal });
  const database: ServiceName = { namespace: namespaceOf(run), name: postgresName };
  for (const service of [clusterDns, ...(run.config.postgres === undefined ? [] : [database])]) {
    progress.waitingFor(`Service ${service.namespace}/${service.name} to have a ready endpoint`);
    while (!(await serviceIsAnswered(api, service, signal))) await pause(200, signal);
  }
}
