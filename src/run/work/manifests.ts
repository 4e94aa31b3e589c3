import { applyObjects, type ManifestProgram, type Manifests } from '../../kubernetes/index.js';
import { serviceObjects } from '../../services/index.js';
import { sha256 } from '../../support/sha256.js';
import { findTool } from '../../tools/index.js';
import { namespaceOf, once, publishingNode, type RunContext } from '../context.js';
import type { Step } from '../phase-graph.js';

/** What is not in files is built, by a program that is on PATH, or is fetched. */
export async function readManifests(run: RunContext, step: Step): Promise<undefined> {
  const { config, env, milestones, reading } = run;
  const find = (program: ManifestProgram): Promise<string> => findTool(program, { env, ...step });
  const read = await reading.all({ find, signal: step.signal });
  milestones.manifests.reach(config.services.length === 0 ? read : await withServices(run, read));
}

/** Services are one more place of manifests. */
async function withServices(run: RunContext, { objects, hashes }: Manifests): Promise<Manifests> {
  const { services, manifests } = run.config;
  const own = serviceObjects(services, { namespace: namespaceOf(run), node: await publishingNode(run) });
  const entries = own.map((object) => ({ object, origin: 'the option services', place: manifests.length }));
  return { objects: [...objects, ...entries], hashes: [...hashes, JSON.stringify(own)] };
}

/** The manifests, once in the cluster's life. */
export async function applyManifests(run: RunContext, step: Step): Promise<string> {
  const { config, milestones, owner } = run;
  const { objects, hashes } = await milestones.manifests.promise;
  const access = await milestones.api.promise;
  const shared = owner && { owner, conflicts: config.cluster.conflicts };
  let left: number | undefined;
  await once(run, `manifests:${together(hashes)}`, step.progress, async () => {
    left = await applyObjects(access, objects, { ...step, shared });
    return true;
  });
  if (left === undefined) return 'there already';
  return `${objects.length} object${objects.length === 1 ? '' : 's'}${left === 0 ? '' : `, ${left} of them there before and left as they are`}`;
}

/** The ledger's name of manifests: changed content is other work. */
export const together = (hashes: readonly string[]): string => sha256(hashes.join());
