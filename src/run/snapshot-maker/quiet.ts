import { existsSync } from 'node:fs';

import { isOriginal, listClusters } from '../../cluster/index.js';
import { pause } from '../../support/abort.js';

/** How often it is looked whether a run has come, in milliseconds: some files are read. */
const lookEvery = 500;

/** Whether a run of this state directory uses or makes a cluster. */
const runsAreThere = (stateDir: string): boolean =>
  listClusters(stateDir).some(({ name, users }) => !isOriginal(name) && users.length > 0);

/** The same, or another snapshot is made. */
const isBusy = (stateDir: string): boolean => listClusters(stateDir).some(({ users }) => users.length > 0);

export interface QuietOptions {
  /** How long nothing must have run, in milliseconds: the packages of a monorepo come one after the other. Default: 10 s. */
  calm?: number;
  /** When it is given up, in milliseconds of `performance.now()`. */
  until: number;
}

/** Waits until no run needs the machine. @returns false where that did not come, or the state directory is gone */
export async function untilQuiet(stateDir: string, { calm = 10_000, until }: QuietOptions): Promise<boolean> {
  let since = performance.now();
  while (performance.now() < until) {
    if (!existsSync(stateDir)) return false;
    if (isBusy(stateDir)) since = performance.now();
    else if (performance.now() - since >= calm) return true;
    await pause(lookEvery);
  }
  return false;
}

/** Aborted as soon as a run needs the machine. */
export function whileQuiet(stateDir: string): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (runsAreThere(stateDir)) controller.abort(new Error('a run needs the machine'));
  }, lookEvery);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
