import { once } from 'node:events';
import { PassThrough } from 'node:stream';

import {
  type Api,
  ApiError,
  containerStatus,
  defaultContainer,
  type Pod,
  podsPath,
} from '../kubernetes/index.js';
import { logPath, type LogQuery } from './log-path.js';
import type { PodsOfTarget } from './pods-of.js';
import { refusal } from './refusal.js';
import { pathOf } from './target.js';

export interface Followed {
  pods: PodsOfTarget;
  /** Those that are there when it begins: `query` is for their logs alone. */
  there: readonly Pod[];
  container: string | undefined;
  query: LogQuery;
  /** Ends it, quietly. */
  signal: AbortSignal;
}

/** The lines of all these pods, of those that come later too, as they are written. */
export async function* followed(api: Api, options: Followed): AsyncGenerator<string> {
  const left = new AbortController();
  const following = new Following(api, options, AbortSignal.any([options.signal, left.signal]));
  following.begin();
  try {
    for await (const line of following.lines) yield line as string;
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    left.abort();
  }
}

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

class Following {
  readonly lines = new PassThrough({ objectMode: true });
  /** Each run of a container, a restarted one anew. */
  readonly #runs = new Map<string, Promise<void>>();
  readonly #names = new Set<string>();

  constructor(
    readonly api: Api,
    readonly options: Followed,
    readonly signal: AbortSignal,
  ) {}

  begin(): void {
    const { there, query } = this.options;
    for (const pod of there) this.#take(pod, query);
    this.#watch()
      .then(async () => {
        await Promise.all(this.#runs.values());
        this.lines.end();
      })
      .catch((error: unknown) => {
        this.lines.destroy(error as Error);
      });
  }

  /** Until nothing more can come. */
  async #watch(): Promise<void> {
    const { pods, there } = this.options;
    if (await this.#hasEnded(there)) return;
    for (;;) {
      // begins with those that are there
      for await (const { type, object } of this.api.watch<Pod>(podsPath(pods), { signal: this.signal })) {
        if (type !== 'DELETED') this.#take(object, {});
        else if (pods.pod !== undefined) return;
        if (isOver(object) && (await this.#hasEnded([object]))) return;
      }
    }
  }

  /** A pod that has ended does not begin again; a Job makes others until it has ended itself. */
  async #hasEnded(latest: readonly Pod[]): Promise<boolean> {
    const { pods } = this.options;
    if (!latest.some(isOver)) return false;
    if (pods.pod !== undefined) return true;
    if (pods.located.kind !== 'Job') return false;
    const { status } = await this.api.request<{
      status?: { conditions?: { type: string; status: string }[] };
    }>(pathOf(pods.located), { signal: this.signal });
    const ends = ['Complete', 'Failed', 'SuccessCriteriaMet', 'FailureTarget'];
    return status?.conditions?.some((each) => ends.includes(each.type) && each.status === 'True') === true;
  }

  #take(pod: Pod, query: LogQuery): void {
    const container = this.options.container ?? defaultContainer(pod);
    const { state, restartCount = 0 } = containerStatus(pod, container) ?? {};
    const run = `${pod.metadata.uid} ${restartCount}`;
    if ((state?.running ?? state?.terminated) === undefined || this.#runs.has(run)) return;
    this.#names.add(pod.metadata.name);
    this.#runs.set(run, this.#read(pod, container, query));
    this.#runs.get(run)?.catch((error: unknown) => {
      this.lines.destroy(error as Error);
    });
  }

  async #read({ metadata }: Pod, container: string, query: LogQuery): Promise<void> {
    const { namespace, name } = metadata;
    const path = logPath({ namespace, pod: name, container }, { ...query, follow: true });
    try {
      for await (const line of this.api.lines(path, { signal: this.signal })) {
        const text = this.#names.size > 1 ? `[${name}] ${line}` : line;
        if (!this.lines.write(text)) await once(this.lines, 'drain', { signal: this.signal });
      }
    } catch (error) {
      // a pod that has gone meanwhile has nothing more to say
      if (error instanceof ApiError && error.status === 404) return;
      throw refusal('LOGS_FAILED', `follow the log of ${this.options.pods.what}`, error);
    }
  }
}
