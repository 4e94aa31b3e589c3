import { rm } from 'node:fs/promises';

import type { JestKubernetesError } from '../../support/errors.js';
import { FileStore } from './file-store.js';
import { holderOf } from './holder.js';
import { KubernetesStore } from './kubernetes-store.js';
import { openRunApi, recordRun, runFolder } from './run-folder.js';
import type { Removal } from './state.js';
import type { StateStore } from './store.js';

export interface StoreOptions {
  /** Absolute path. */
  stateDir: string;
  name: string;
  runId: string;
  /** `kind`: shared by the runs of this machine; `existing`: by those of all machines that reach it. Default: `kind`. */
  provider?: Removal['provider'];
  /** Others took this run for dead and acted on it: what it set up may be gone. */
  onLost?: (error: JestKubernetesError) => void;
}

/** Where the state of a cluster is kept by those who share it. */
export function openStore({ stateDir, name, runId, provider = 'kind', onLost }: StoreOptions): StateStore {
  if (provider === 'kind') return new FileStore(stateDir, name, runId);
  const folder = runFolder(stateDir, runId);
  const open = () => {
    // should this process die, what it leaves is found by it
    recordRun(folder, { name, runId, process: holderOf(runId).process });
    return openRunApi(folder, name);
  };
  const discard = () => rm(folder, { recursive: true, force: true });
  return new KubernetesStore({ folder, name, runId, onLost, open, discard });
}
