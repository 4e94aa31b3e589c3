import type { ClusterProvider } from '../cluster/index.js';
import { type Config, defaultPostgresImage, type ImageSource } from '../config/index.js';
import type { Scope } from '../diagnose/index.js';
import { imageSourceKey } from '../images/index.js';
import { imagesToBring, namespaceOf, type RunContext } from './context.js';
import type { Phase, Step } from './phase-graph.js';
import { createCluster, useCluster } from './work/cluster.js';
import { buildOnHost, importIntoNodes, pullToHost } from './work/images.js';
import { applyManifests, readManifests } from './work/manifests.js';
import { deployServer, makeTemplate, startServer } from './work/postgres.js';
import { awaitedObjects, waitForManifests } from './work/readiness.js';
import { waitForServices } from './work/services.js';
import { callRunHooks, callSetupHooks } from './work/setup-hook.js';

/*
 * Every phase of a run, on one page. A phase comes after others and after milestones, which the cluster reaches on its
 * way: `nodes` (every node's containerd answers), `api` (the API server answers), `ready` (a test can use it). Whatever
 * is not said to come after another runs beside it.
 *
 *   cluster ───────── nodes ── api ───────────────── ready ─┬─────────────── services ─┐
 *   pull, build ───────┴─ import ─┬──────────────────────────┤               │         │
 *   read manifests ───────────────┼── manifests ─────────────┴─ readiness ───┘         ├─ setup
 *             deploy PostgreSQL ──┴── PostgreSQL ── template ──────────────────────────┘
 *                                                                                      eachRun comes after setup
 */

/** What a new node brings with it. */
const system: Scope = { namespaces: ['kube-system', 'local-path-storage'] };

/** All phases of a run. Those whose work has been done in the cluster's life already are not among them. */
export function plan(run: RunContext): Phase[] {
  const { config, provider } = run;
  const { timeouts, manifests, postgres, setup, eachRun } = config;
  const asks = manifests.length + config.services.length > 0;
  const images = imagesToBring(run);
  const imports = images.map(importName);
  const does = (work: (run: RunContext, step: Step) => Promise<string | undefined>) => (step: Step) =>
    work(run, step);

  const own: Scope = { namespaces: [namespaceOf(run)] };
  const cluster: Phase[] = [
    run.joined === undefined
      ? {
          name: 'cluster',
          title: provider.words.phase,
          after: [],
          limits: timeouts.cluster,
          within: system,
          work: does(createCluster),
        }
      : { name: 'cluster', after: [], limits: timeouts.cluster, work: does(useCluster) },
  ];
  const eachImage = images.flatMap((image): Phase[] => {
    const brought = bringing(image, config, provider);
    return [
      ...brought,
      {
        name: importName(image),
        title: importName(image),
        after: [...brought.map(({ name }) => name), 'nodes'],
        limits: timeouts.import,
        within: { namespaces: [] },
        work: (step) => importIntoNodes(run, image, step),
      },
    ];
  });
  const objects: Phase[] = [
    {
      name: 'read manifests',
      title: manifests.some(({ kind }) => kind !== 'path') ? 'build manifests' : undefined,
      after: [],
      limits: timeouts.manifests,
      work: does(readManifests),
    },
    {
      name: 'manifests',
      title: 'apply manifests',
      after: ['read manifests', 'api'],
      limits: timeouts.manifests,
      // what is refused is refused in the API server's own words
      within: { namespaces: [], nodes: false },
      work: does(applyManifests),
    },
    {
      name: 'readiness',
      // known when it begins
      get title() {
        return awaitedObjects(run).length > 0 ? 'the manifests’ objects are ready' : undefined;
      },
      after: ['manifests', ...imports, 'ready'],
      limits: timeouts.manifests,
      within: { objects: [...(run.milestones.awaited.value ?? [])] },
      work: does(waitForManifests),
    },
  ];
  const database: Phase[] = [
    {
      name: 'deploy PostgreSQL',
      title: 'deploy PostgreSQL',
      after: ['api', 'nodes'],
      limits: timeouts.postgres,
      within: own,
      work: does(deployServer),
    },
    {
      name: 'PostgreSQL',
      title: 'PostgreSQL answers',
      // a kubelet that does not find the image goes to the registry for it, and then waits before it looks again
      after: ['deploy PostgreSQL', ...imports.filter((name) => name === `import ${postgres?.image ?? ''}`)],
      limits: timeouts.postgres,
      within: own,
      work: does(startServer),
    },
    {
      name: 'template',
      title: 'make the template of the databases',
      // scripts run through the kubelet, which kubeadm starts anew at the end
      after: ['PostgreSQL', ...(postgres?.initdb.length === 0 ? [] : ['ready'])],
      limits: timeouts.postgres,
      within: own,
      work: does(makeTemplate),
    },
  ];
  const services: Phase[] = [
    {
      name: 'services',
      title: 'Services answer in the cluster',
      after: ['ready', ...(postgres === undefined ? [] : ['PostgreSQL']), ...(asks ? ['readiness'] : [])],
      limits: timeouts.cluster,
      within: { ...system, selector: 'k8s-app=kube-dns' },
      work: does(waitForServices),
    },
  ];
  const before = [
    ...cluster,
    ...eachImage,
    ...(asks ? objects : []),
    ...(postgres === undefined ? [] : database),
    ...(asks || bringsPods(run) ? services : []),
  ];
  const hook = {
    // nothing is known of its progress
    limits: { stall: timeouts.cluster.total, total: timeouts.cluster.total },
    // in a cluster of our own it may have made anything, anywhere
    within: provider.stays ? own : { withoutTests: true },
  };
  const lifeHooks: Phase[] = [
    {
      name: 'setup',
      title: 'run the setup hook',
      after: ['ready', ...before.map(({ name }) => name)],
      ...hook,
      work: does(callSetupHooks),
    },
  ];
  const all = [...before, ...(setup.length === 0 ? [] : lifeHooks)];
  const runHooks: Phase[] = [
    {
      name: 'eachRun',
      title: 'run the eachRun hook',
      after: ['ready', ...all.map(({ name }) => name)],
      ...hook,
      work: does(callRunHooks),
    },
  ];
  return [...all, ...(eachRun.length === 0 ? [] : runHooks)];
}

type BringConfig = Pick<Config, 'images' | 'mirrors' | 'timeouts'>;

/** What brings the images to the host alone: it needs no cluster, and may begin while another run's is waited for. */
export function bringImages(config: BringConfig, provider: ClusterProvider): Phase[] {
  return config.images.flatMap((image) => bringing(image, config, provider));
}

/** Tests that need Services have pods of their own, whose images are brought; a database, or an API server, needs none. */
function bringsPods({ config, provider }: RunContext): boolean {
  const { images, postgres, setup, eachRun } = config;
  const own = images.some((image) => imageSourceKey(image) !== (postgres?.image ?? defaultPostgresImage));
  return !provider.stays && (own || setup.length + eachRun.length > 0);
}

const importName = (image: ImageSource): string => `import ${imageSourceKey(image)}`;

/** How an image comes to the host; one in an archive is there. */
function bringing(image: ImageSource, config: BringConfig, provider: ClusterProvider): Phase[] {
  if (image.kind === 'archive') return [];
  const name = `${image.kind} ${imageSourceKey(image)}`;
  const work = image.kind === 'pull' ? pullToHost(image) : buildOnHost(image);
  return [
    {
      name,
      title: name,
      after: [],
      limits: config.timeouts.pull,
      work: (step) => work({ config, provider }, step),
    },
  ];
}
