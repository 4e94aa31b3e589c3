import { rmSync } from 'node:fs';

import type { Config } from '../config/index.js';
import { bundlePath, type FileRecord, pruneBundles, writePage } from '../diagnose/index.js';
import type { TimelineEntry } from '../report/index.js';

export interface PageOptions {
  config: Config;
  runId: string;
  /** In milliseconds since the epoch. */
  startedAt: number;
  timeline: readonly TimelineEntry[];
}

/** The page of a run: written when its tests have run, and when its process ends before that, as with `--bail`. */
export class RunPage implements Disposable {
  readonly #options: PageOptions;
  readonly #files: FileRecord[] = [];
  readonly #onExit = (): void => void this.write();

  constructor(options: PageOptions) {
    this.#options = options;
    process.once('exit', this.#onExit);
  }

  get files(): readonly FileRecord[] {
    return this.#files;
  }

  /** The tests run anew (a watch): what failed before is no more to be told. */
  startAnew(): void {
    const { config, runId, startedAt } = this.#options;
    rmSync(bundlePath(config.diagnostics.directory, runId, startedAt), { recursive: true, force: true });
    this.#files.length = 0;
  }

  /** A test file has run; a red one has left more of itself. */
  record(file: FileRecord): void {
    this.#files.push(file);
  }

  /** @returns its path; undefined where nothing has failed, or it cannot be written */
  write(): string | undefined {
    const { config, runId, startedAt, timeline } = this.#options;
    const phases = timeline.map(({ phase, start, end, outcome, detail }) => ({
      ...{ name: phase, from: startedAt + start, to: startedAt + end },
      ...{ outcome, detail },
    }));
    try {
      return writePage(bundlePath(config.diagnostics.directory, runId, startedAt), {
        ...{ runId, cluster: config.cluster.name, startedAt, endedAt: Date.now() },
        ...{ phases, files: this.#files },
      });
    } catch {
      return undefined;
    }
  }

  /** Older runs' bundles go. */
  async prune(): Promise<void> {
    await pruneBundles(this.#options.config.diagnostics.directory).catch(() => undefined);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#onExit);
  }
}
