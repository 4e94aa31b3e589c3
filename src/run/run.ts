import { randomBytes } from 'node:crypto';

import {
  type ClusterLease,
  type ClusterProvider,
  type ClusterState,
  deleteCluster,
  type JoinedCluster,
  openCluster,
  startWatchdog,
  sweep,
  takeDown,
  type Watchdog,
} from '../cluster/index.js';
import type { Config } from '../config/index.js';
import { serverSignature } from '../postgres/index.js';
import { formatSeconds, Report, type TimelineEntry } from '../report/index.js';
import { messageOf } from '../support/errors.js';
import { Milestones, type RunContext } from './context.js';
import { WorkerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { Interruption } from './interruption.js';
import { PhaseGraph } from './phase-graph.js';
import { bringImages, plan } from './plan.js';
import { providerOf } from './provider-of.js';
import { deleteAndTell } from './take-down.js';

/**
 * A run from start to end: it takes its lease on the cluster, brings what its configuration asks for, hands the
 * cluster to the workers by environment, and gives the lease back. The last one out deletes the cluster.
 */
export class Run {
  readonly id = randomBytes(4).toString('hex');
  readonly #environment: WorkerEnvironment;
  readonly #timeline: TimelineEntry[] = [];
  readonly #interruption: Interruption;
  readonly #graph: PhaseGraph;
  readonly #lease: ClusterLease;
  readonly #provider: ClusterProvider;
  #watchdog: Watchdog | undefined;
  #context: RunContext | undefined;
  #failed = false;
  #ended: Promise<void> | undefined;
  #settled: Promise<void> = Promise.resolve();
  readonly #config: Config;
  readonly #report: Report;
  readonly #env: NodeJS.ProcessEnv;

  constructor(config: Config, report: Report = new Report(), env: NodeJS.ProcessEnv = process.env) {
    this.#config = config;
    this.#report = report;
    this.#env = env;
    this.#environment = new WorkerEnvironment(env);
    this.#provider = providerOf(config, this.id, env);
    this.#interruption = new Interruption(async (signal) => {
      this.#report.headline(`was interrupted (${signal})`);
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
      deleteCluster: (record) => deleteAndTell(record, report),
      onWait: (who, doing) => {
        report.note(`waiting for ${who}: ${doing}`);
        // what others do has nothing to do with what only this run's images need
        if (this.#context === undefined) this.#graph.start(bringImages(config, this.#provider));
      },
      onNote: (line) => {
        report.note(line);
      },
    });
  }

  /**
   * Sets up all that the configuration asks for. When it fails, what it made is gone by the time that this throws.
   * @throws JestKubernetesError
   */
  async start(): Promise<void> {
    const started = performance.now();
    const work = this.#setUp();
    this.#settled = work.catch(() => undefined);
    try {
      await work;
    } catch (error) {
      this.#interruption.signal.throwIfAborted();
      this.#failed = true;
      const explained = await explain(error, {
        context: this.#context,
        timeline: this.#timeline,
        report: this.#report,
        signal: this.#interruption.signal,
        env: this.#env,
      });
      await this.#end();
      throw explained;
    }
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
    try {
      this.#context = await this.#takePart();
      this.#graph.start(plan(this.#context), this.#context.milestones.byName());
    } catch (error) {
      this.#graph.fail(error);
    }
    await this.#graph.settled();
  }

  /** The lease is taken: either the cluster is this run's to create, or it is there and answers. */
  async #takePart(): Promise<RunContext> {
    const [config, lease, provider, report] = [this.#config, this.#lease, this.#provider, this.#report];
    const [runId, environment] = [this.id, this.#environment];
    const { stateDir, keep, postgres } = config;
    const { name } = config.cluster;
    const contextOf = (id: string, joined?: JoinedCluster, done = new Set<string>()): RunContext => ({
      runId,
      config,
      lease,
      provider,
      environment,
      owner: provider.stays ? { id, cluster: name } : undefined,
      joined,
      done,
      milestones: new Milestones(),
      closing: [],
    });
    // one server for all that share the cluster
    const server = postgres === undefined ? {} : { postgres: serverSignature(postgres) };
    const wanted = { made: { ...provider.made, ...server }, removal: await provider.removal(), keep };
    for (;;) {
      const arrival = await lease.acquire(wanted);
      if (arrival.role === 'create') {
        report.headline(
          `${provider.words.begins} (once: every worker and every run that wants it shares it)`,
        );
        return contextOf(runId);
      }
      try {
        const joined = await provider.join(this.#interruption.signal);
        report.headline(`joins the cluster ${name}${this.#companions()}`);
        return contextOf(arrival.state.id, joined, doneIn(arrival.state));
      } catch (error) {
        this.#interruption.signal.throwIfAborted();
        if (!provider.replaceable || lease.others().length > 0) throw error;
        report.note(`the cluster ${name} does not answer any more and is made anew: ${messageOf(error)}`);
        await takeDown({ stateDir, name, deleteCluster, evenInUse: true });
      }
    }
  }

  /** A test has failed: `keep: 'on-failure'` applies. */
  markFailed(): void {
    this.#failed = true;
  }

  /** The run is finished: gives the lease back. A failure to delete is reported and fails no green run. */
  async finish(): Promise<void> {
    await this.#end();
  }

  #end(): Promise<void> {
    return (this.#ended ??= this.#release());
  }

  async #release(): Promise<void> {
    const [report, lease] = [this.#report, this.#lease];
    const { name } = this.#config.cluster;
    try {
      for (const close of this.#context?.closing.reverse() ?? []) await close();
      if (this.#failed) await lease.markFailed();
      const others = lease.others();
      const outcome = await lease.release();
      if (outcome === 'left' && this.#context !== undefined)
        report.headline(`leaves the cluster ${name} to ${others.join(', ')}`);
      if (outcome === 'kept' || outcome === 'kept again') this.#tellKept(outcome);
    } catch (error) {
      report.error(error);
    } finally {
      this.#watchdog?.dismiss();
      this.#interruption.dispose();
      this.#environment.restore();
    }
  }

  #tellKept(outcome: 'kept' | 'kept again'): void {
    const report = this.#report;
    const { keeps, usage } = this.#provider.words;
    const again = outcome === 'kept again' ? ' (see: npx jest-kubernetes status)' : '';
    report.headline(`${keeps}${again}`);
    if (outcome === 'kept') for (const line of usage) report.note(line);
  }

  #companions(): string {
    const others = this.#lease.others();
    return others.length === 0 ? '' : `, which it shares with ${others.join(', ')}`;
  }
}

function doneIn({ ledger }: ClusterState): Set<string> {
  return new Set(Object.keys(ledger).filter((key) => ledger[key]?.state === 'done'));
}
