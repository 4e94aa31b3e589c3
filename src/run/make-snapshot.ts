import { randomBytes } from 'node:crypto';

import {
  type AskedSnapshot,
  askedSnapshot,
  clusterFolder,
  type ClusterNode,
  clusterToCapture,
  type DatabaseServer,
  kindProvider,
  type KindProviderOptions,
  makeSnapshotOf,
  openCluster,
  snapshotOfKey,
  startWatchdog,
} from '../cluster/index.js';
import { importImage } from '../images/index.js';
import type { ClusterAccess } from '../kubernetes/index.js';
import { initializePostgres } from '../postgres/index.js';
import { formatBytes, type Report, silent } from '../report/index.js';
import { JestKubernetesError, messageOf } from '../support/errors.js';
import { firstLine } from '../support/lines.js';
import { Interruption } from './interruption.js';
import { type Phase, PhaseGraph } from './phase-graph.js';
import { bringImages } from './plan.js';
import { kindOptions } from './provider-of.js';
import { forgetFailure, type SnapshotConfig } from './snapshot-maker/index.js';
import { deleteAndTell, underLease } from './take-down.js';

const seconds = 1000;
/** Packing stands still for as long as a gigabyte takes to be copied. */
const limits = { stall: 180 * seconds, total: 900 * seconds };
/** How long PostgreSQL's first start may take, in milliseconds. */
const patience = 60 * seconds;

export interface MakeOptions {
  report: Report;
  /** Ends it, in order: nothing of it is left. Default: the terminal's signals alone. */
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
  /** Whether it gets only what others leave of the processors. Default: false. */
  lowPriority?: boolean;
}

/**
 * Makes the snapshot that runs of this configuration start from, on a cluster of its own, unless it is there. One at a time
 * is made of a key; who comes meanwhile waits, and finds it made.
 * @throws JestKubernetesError SNAPSHOT_FAILED, with the reason, where such clusters boot the ordinary way; as a run does
 */
export async function makeSnapshot(
  config: SnapshotConfig,
  { report, signal: outer, env = process.env, lowPriority = false }: MakeOptions,
): Promise<'made' | 'there already'> {
  let settled: Promise<unknown> = Promise.resolve();
  const interruption = new Interruption(async () => {
    await settled.catch(() => undefined);
  });
  const signal = outer === undefined ? interruption.signal : AbortSignal.any([outer, interruption.signal]);
  const options = { ...snapshotOptions(config, env), lowPriority };
  const work = make({ config, options, report, signal });
  settled = work;
  try {
    return await work;
  } finally {
    await interruption.holdUp();
    interruption.dispose();
  }
}

/** What its cluster is made by. @throws JestKubernetesError SNAPSHOT_FAILED where it is not kind's */
function snapshotOptions(config: SnapshotConfig, env: NodeJS.ProcessEnv): KindProviderOptions {
  if (config.cluster.provider === 'kind') return kindOptions(config, env);
  throw new JestKubernetesError('SNAPSHOT_FAILED', 'A cluster that is there already has no snapshot');
}

interface Making {
  config: SnapshotConfig;
  options: KindProviderOptions;
  report: Report;
  signal: AbortSignal;
}

async function make(making: Making): Promise<'made' | 'there already'> {
  const { config, options, signal } = making;
  const provider = kindProvider(options);
  // what is built has no place in a snapshot
  const images = config.images.filter(({ kind }) => kind === 'pull');
  await settle(bringImages({ ...config, images }, provider), making);
  const asked = await askedSnapshot(options, { signal, progress: silent });
  if (typeof asked === 'string') {
    throw new JestKubernetesError('SNAPSHOT_FAILED', 'Such a cluster boots the ordinary way', {
      evidence: [asked],
    });
  }
  if ((await snapshotOfKey(asked.key, options, signal)) !== undefined) return 'there already';
  return makeAlone(asked, making);
}

/** With the lease on a cluster that is called after the key: nobody else makes it meanwhile. */
async function makeAlone(
  asked: AskedSnapshot,
  { config, options, report, signal }: Making,
): Promise<'made' | 'there already'> {
  const { stateDir } = config;
  const cluster = clusterToCapture(options.cluster, asked.key);
  const { name } = cluster;
  const runId = randomBytes(4).toString('hex');
  const mine = { ...options, cluster, directory: clusterFolder(stateDir, name), hostPorts: [] };
  const provider = kindProvider(mine);
  const watchdog = await startWatchdog({ stateDir, name, runId });
  const lease = openCluster({
    ...{ stateDir, name, runId, signal },
    deleteCluster: (record) => deleteAndTell(record, report),
    onWait: (who) => {
      report.note(`waiting for ${who}: making this snapshot`);
    },
    onNote: (line) => {
      report.note(line);
    },
  });
  return underLease({ lease, watchdog, report }, async () => {
    const wanted = { made: await provider.made(), removal: await provider.removal(), keep: 'never' as const };
    const { role } = await lease.acquire(wanted);
    if (role === 'join' || (await snapshotOfKey(asked.key, options, signal)) !== undefined)
      return 'there already';
    await boot(asked, mine, { config, report, signal });
    forgetFailure(stateDir, asked.key);
    return 'made';
  });
}

/** The cluster with all images in it, and then the snapshot of it. */
async function boot(
  asked: AskedSnapshot,
  options: KindProviderOptions,
  making: Pick<Making, 'config' | 'report' | 'signal'>,
): Promise<void> {
  const { mirrors, timeouts } = making.config;
  const provider = kindProvider(options);
  const nodes = Promise.withResolvers<readonly ClusterNode[]>();
  const images = Object.keys(asked.content.images);
  const imports = images.map((reference): Phase => ({
    name: `import ${reference}`,
    title: `import ${reference}`,
    after: ['nodes'],
    limits: timeouts.import,
    work: async (step) => {
      const runtime = await provider.runtime();
      const all = { ...step, runtime, mirrors, limits: timeouts.import };
      const sent = await importImage({ reference }, await nodes.promise, all);
      return sent === undefined ? 'there already' : formatBytes(sent.bytes);
    },
  }));
  const access = Promise.withResolvers<ClusterAccess>();
  const cluster: Phase = {
    name: 'cluster',
    title: provider.words.phase,
    after: [],
    limits: timeouts.cluster,
    work: async (step) => {
      const creation = provider.create(step);
      creation.nodes.then(nodes.resolve, nodes.reject);
      access.resolve(await creation.ready);
      return undefined;
    },
  };
  const { database } = asked.content;
  const initialize = (server: DatabaseServer): Phase => ({
    name: 'initialize',
    title: `initialize ${server.image}`,
    after: ['cluster', ...imports.map(({ name }) => name)],
    limits: timeouts.postgres,
    work: async (step) => {
      const [node] = await nodes.promise;
      const signal = AbortSignal.any([step.signal, AbortSignal.timeout(patience)]);
      try {
        const options = { ...step, signal, node: node?.hostname ?? '' };
        await initializePostgres(await access.promise, server, options);
        return undefined;
      } catch (error) {
        step.signal.throwIfAborted();
        // its clones' servers make their own
        return `goes without: ${firstLine(messageOf(error))}`;
      }
    },
  });
  const initialized = database === undefined ? [] : [initialize(database)];
  const snapshot: Phase = {
    name: 'snapshot',
    title: 'make the snapshot',
    after: ['cluster', ...[...imports, ...initialized].map(({ name }) => name)],
    limits,
    work: async (step) => {
      const { size } = await makeSnapshotOf(asked, options, step);
      return formatBytes(size);
    },
  };
  await settle([cluster, ...imports, ...initialized, snapshot], making, { nodes: nodes.promise });
}

async function settle(
  phases: readonly Phase[],
  { report, signal }: Pick<Making, 'report' | 'signal'>,
  milestones: Readonly<Record<string, Promise<unknown>>> = {},
): Promise<void> {
  const graph = new PhaseGraph({ signal, report });
  graph.start(phases, milestones);
  await graph.settled();
}
