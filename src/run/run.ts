import { randomBytes } from 'node:crypto';

import {
  type ClusterLease,
  type ClusterProvider,
  openCluster,
  startWatchdog,
  sweep,
  type Watchdog,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import type { FileRecord } from '../diagnose/index.js';
import { ManifestReading } from '../kubernetes/index.js';
import { formatSeconds, Report, type TimelineEntry } from '../report/index.js';
import { exposedServices } from '../services/index.js';
import { orAborted } from '../support/abort.js';
import type { JestKubernetesError } from '../support/errors.js';
import { lookForTool } from '../tools/index.js';
import type { RunContext } from './context.js';
import { WorkerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { Interruption } from './interruption.js';
import { PhaseGraph } from './phase-graph.js';
import { bringImages, plan } from './plan.js';
import { providerOf } from './provider-of.js';
import { renew } from './renewal.js';
import { RunPage } from './run-page.js';
import { standBy } from './standby/index.js';
import { writeSummary } from './summary.js';
import { deleteAndTell } from './take-down.js';
import { takePart } from './take-part.js';

/** How long one piece of what is to be done before the lease is given back may take, in milliseconds. */
const closingLimit = 10_000;

/**
 * A run from start to end: it takes its lease on the cluster, brings what its configuration asks for, hands the
 * cluster to the workers by environment, and gives the lease back. The last one out deletes the cluster.
 */
export class Run {
  readonly id = randomBytes(4).toString('hex');
  readonly #startedAt = Date.now();
  readonly #environment: WorkerEnvironment;
  readonly #timeline: TimelineEntry[] = [];
  readonly #interruption: Interruption;
  readonly #page: RunPage;
  readonly #graph: PhaseGraph;
  readonly #lease: ClusterLease;
  readonly #provider: ClusterProvider;
  readonly #reading: ManifestReading;
  #watchdog: Watchdog | undefined;
  #context: RunContext | undefined;
  #failed = false;
  #failure: unknown;
  #wantsCluster = false;
  #isReady = false;
  #ended: Promise<void> | undefined;
  #settled: Promise<void> = Promise.resolve();
  readonly #config: Config;
  readonly #report: Report;
  readonly #env: NodeJS.ProcessEnv;

  /** @param options.standby - whether it makes the cluster for whoever comes next. Default: false */
  constructor(
    config: Config,
    report: Report = new Report(),
    env: NodeJS.ProcessEnv = process.env,
    { standby = false }: { standby?: boolean } = {},
  ) {
    this.#config = config;
    this.#report = report;
    this.#env = env;
    this.#environment = new WorkerEnvironment(env);
    this.#provider = providerOf(config, this.id, env);
    this.#reading = new ManifestReading(config.manifests);
    const [runId, startedAt, timeline] = [this.id, this.#startedAt, this.#timeline];
    this.#page = new RunPage({ config, runId, startedAt, timeline });
    this.#interruption = new Interruption(async (signal) => {
      this.#report.warn(`was interrupted (${signal})`);
      await this.#settled;
      await this.#end();
    });
    this.#graph = new PhaseGraph({ signal: this.#interruption.signal, report, timeline: this.#timeline });
    this.#lease = openCluster({
      stateDir: config.stateDir,
      name: config.cluster.name,
      runId: this.id,
      provider: config.cluster.provider,
      signal: this.#graph.stopped,
      standby,
      deleteCluster: (record) => deleteAndTell(record, report),
      onWait: (who, doing) => {
        report.note(`waiting for ${who}: ${doing}`);
        // what others do has nothing to do with what only this run's images need
        if (this.#context === undefined) this.#graph.start(bringImages(config, this.#provider));
      },
      onNote: (line) => {
        report.note(line);
      },
      onLost: (error) => void this.#lost(error),
    });
  }

  /**
   * Sets up all that the configuration asks for. When it fails, what it made is gone by the time that this throws.
   * @throws JestKubernetesError
   */
  async start(): Promise<void> {
    const started = performance.now();
    const group = this.#report.group(`jest-kubernetes: the cluster ${this.#config.cluster.name}`);
    const work = this.#setUp();
    this.#settled = work.catch(() => undefined);
    try {
      await work;
    } catch (error) {
      await this.#interruption.holdUp();
      this.#failed = true;
      const explained = await explain(error, {
        context: this.#context,
        timeline: this.#timeline,
        report: this.#report,
        signal: this.#interruption.signal,
        env: this.#env,
      });
      this.#failure = explained;
      await this.#end();
      group[Symbol.dispose]();
      await this.#interruption.holdUp();
      throw explained;
    }
    group[Symbol.dispose]();
    this.#isReady = true;
    this.#report.note(`ready in ${formatSeconds(performance.now() - started)}`);
  }

  async #setUp(): Promise<void> {
    const { stateDir, cluster } = this.#config;
    const abandoned = sweep({ stateDir }).filter((name) => name !== cluster.name);
    if (abandoned.length > 0) this.#report.note(`deleting what an earlier run left: ${abandoned.join(', ')}`);
    this.#watchdog = await startWatchdog({
      stateDir,
      name: cluster.name,
      runId: this.id,
      provider: cluster.provider,
    });
    await this.#provider.prepare(this.#interruption.signal);
    // what is wrong in a file, and what is missing to build one, is told before anything is made
    exposedServices(await this.#reading.files(), 'default');
    const [env, { signal }] = [this.#env, this.#interruption];
    for (const program of this.#reading.programs) await lookForTool(program, { env, signal });
    try {
      this.#context = await this.#takePart();
      this.#graph.start(plan(this.#context), this.#context.milestones.byName());
    } catch (error) {
      this.#graph.fail(error);
    }
    await this.#graph.settled();
  }

  #takePart(): Promise<RunContext> {
    const [config, env, environment, lease] = [this.#config, this.#env, this.#environment, this.#lease];
    const [provider, reading, runId, startedAt] = [this.#provider, this.#reading, this.id, this.#startedAt];
    const [report, { signal }] = [this.#report, this.#interruption];
    this.#wantsCluster = true;
    const run = { config, env, environment, lease, provider, reading, runId, startedAt };
    return takePart(run, { report, signal });
  }

  /** Holds the cluster ready, where this run is on standby, until somebody has taken it or it is to go. @returns why */
  async standBy(): Promise<string> {
    const [lease, provider, signal] = [this.#lease, this.#provider, this.#interruption.signal];
    const why = await standBy({ lease, rest: async (state) => provider.rest?.(state, signal) }, signal);
    await this.#interruption.holdUp();
    return why;
  }

  /** A test has failed: `keep: 'on-failure'` applies. */
  markFailed(): void {
    this.#failed = true;
  }

  /** A test file has run: where GitHub Actions runs, its failures with a known cause are annotations. */
  record(record: FileRecord): void {
    this.#page.record(record);
    for (const { name, line, cause } of record.tests) {
      if (cause === undefined) continue;
      this.#report.annotateAt({ title: name, text: cause, place: { file: record.file, line } });
    }
  }

  /** What failed, on one page, for the run's folder of bundles. */
  get page(): RunPage {
    return this.#page;
  }

  /**
   * Brings what has changed since into the cluster.
   * @throws JestKubernetesError - the run goes on
   */
  async renew(wanted: Config, added: Readonly<Record<string, string>>): Promise<void> {
    if (this.#context === undefined) return;
    const [report, { signal }, env] = [this.#report, this.#interruption, this.#env];
    const work = renew(this.#context, wanted, added, { report, signal, env });
    this.#settled = work.then(
      () => undefined,
      () => undefined,
    );
    try {
      this.#context = await work;
    } catch (error) {
      await this.#interruption.holdUp();
      this.#failed = true;
      throw error;
    }
  }

  /** Others took this run for dead and went on without it: its tests would fail for reasons that are not theirs. */
  async #lost(error: JestKubernetesError): Promise<void> {
    this.#failed = true;
    this.#graph.fail(error);
    // else it is what `start` fails with
    if (!this.#isReady) return;
    this.#report.error(error);
    await this.#end();
    process.exit(1);
  }

  /** The run is finished: gives the lease back. A failure to delete is reported and fails no green run. */
  async finish(): Promise<void> {
    await this.#end();
    await this.#interruption.holdUp();
  }

  #end(): Promise<void> {
    return (this.#ended ??= this.#release());
  }

  async #release(): Promise<void> {
    await this.#giveUp();
    if (!this.#isReady) return;
    for (const work of this.#context?.afterwards ?? []) await work(this.#report);
  }

  async #giveUp(): Promise<void> {
    const page = this.#page.write();
    this.#page[Symbol.dispose]();
    if (page !== undefined) {
      this.#report.warn(`what failed, on one page: ${page}`);
      await this.#page.prune();
    }
    const { name: cluster } = this.#config.cluster;
    const [timeline, failure, files] = [this.#timeline, this.#failure, this.#page.files];
    writeSummary({ cluster, timeline, failure, files, page }, this.#env);
    try {
      await this.#close();
      await this.#giveBack();
      this.#watchdog?.dismiss();
    } catch (error) {
      this.#report.error(error);
      // in somebody else's cluster it goes on when this process is gone; what is left of our own, the next run finds
      if (!this.#provider.stays) this.#watchdog?.dismiss();
    } finally {
      this.#interruption.dispose();
      this.#environment.restore();
    }
  }

  /** What the phases have left to be done. What fails or takes too long goes with the cluster, or is the next run's. */
  async #close(): Promise<void> {
    for (const close of this.#context?.closing.reverse() ?? []) {
      const late = AbortSignal.timeout(closingLimit);
      await orAborted(close(), late).catch(() => undefined);
    }
  }

  async #giveBack(): Promise<void> {
    if (!this.#wantsCluster) return;
    const [report, lease] = [this.#report, this.#lease];
    if (this.#failed) await lease.markFailed().catch(() => undefined);
    const outcome = await lease.release();
    const others = outcome === 'left' ? lease.others() : [];
    if (others.length > 0 && this.#context !== undefined)
      report.headline(`leaves the cluster ${this.#config.cluster.name} to ${others.join(', ')}`);
    if (outcome === 'kept' || outcome === 'kept again') this.#tellKept(outcome);
  }

  #tellKept(outcome: 'kept' | 'kept again'): void {
    const report = this.#report;
    const { keeps, usage } = this.#provider.words;
    const again = outcome === 'kept again' ? ' (see: npx jest-kubernetes status)' : '';
    const lines = outcome === 'kept' ? usage.map((line) => `\n   ${line}`) : [];
    const text = `${keeps}${again}${lines.join('')}`;
    // what a failure leaves behind is to be known
    if (this.#failed) report.warn(text);
    else report.headline(text);
  }
}
