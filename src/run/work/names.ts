import { namesAreAnswered, openApi } from '../../kubernetes/index.js';
import { pause } from '../../support/abort.js';
import type { RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** A second or more after a node is Ready its DNS is too: until then a pod's look-up fails. */
export async function waitForNames({ milestones }: RunContext, step: Step): Promise<undefined> {
  const { signal, progress } = step;
  using api = openApi(await milestones.ready.promise, { signal });
  progress.waitingFor('the cluster’s DNS to have a ready endpoint');
  while (!(await namesAreAnswered(api, signal))) await pause(200, signal);
}
