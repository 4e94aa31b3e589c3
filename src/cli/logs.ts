import { Report } from '../report/index.js';
import { collectBundle } from '../run/index.js';
import { clusterUp } from './here.js';

/**
 * Writes all that can be seen of a cluster, and prints where it is; what may be amiss there goes to standard error.
 * @throws JestKubernetesError NO_CLUSTER
 */
export async function logs(wanted: string | undefined): Promise<void> {
  const { config, name, kubeconfig, context } = await clusterUp(wanted);
  const report = new Report();
  const line = report.phase(`look at the cluster ${name}`);
  line.waitingFor('what the cluster and its engine can tell');
  const access = { name, kubeconfig, context };
  const { signal } = new AbortController();
  try {
    const { bundle, diagnosis } = await collectBundle(config, access, { env: process.env, signal });
    line.end('done', diagnosis?.sentence ?? 'nothing amiss is seen');
    for (const seen of diagnosis?.evidence ?? []) report.note(`    ${seen}`);
    if (diagnosis !== undefined) report.note(`→ ${diagnosis.remedy}`);
    console.log(bundle);
  } catch (error) {
    line.end('failed');
    throw error;
  }
}
