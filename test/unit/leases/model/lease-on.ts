import type { DeleteCluster } from '../../../../src/cluster/leases/deletion.js';
import { type Heart, keepBeating, type StartHeart } from '../../../../src/cluster/leases/heart.js';
import { KubernetesStore } from '../../../../src/cluster/leases/kubernetes-store.js';
import { type LeaseApi, LeaseObjects } from '../../../../src/cluster/leases/lease-objects.js';
import { ClusterLease } from '../../../../src/cluster/leases/leases.js';
import type { Process } from './world.js';

interface Holding {
  /** The cluster's. */
  name: string;
  /** The run's. */
  id: string;
  process: Process;
  /** The server as that process reaches it. */
  api: () => LeaseApi;
  onLost: () => void;
  deleteCluster: DeleteCluster;
}

/** The package's own lease of a run whose process, time and server are simulated. */
export function leaseOn({ name, id, process, api, onLost, deleteCluster }: Holding): ClusterLease {
  const { clock } = process;
  const beat: StartHeart = (_, listener): Heart => {
    const stopped = new AbortController();
    void keepBeating(new LeaseObjects(api(), name), id, {
      clock,
      signal: stopped.signal,
      say: (message) => {
        if (stopped.signal.aborted) return;
        if (message === 'gone') listener.onGone();
        else listener.onRenewed(message);
      },
    }).catch(() => undefined);
    return {
      stop: () => {
        stopped.abort();
        return Promise.resolve();
      },
    };
  };
  const discard = (): Promise<void> => Promise.resolve();
  const store = new KubernetesStore({ folder: '', name, runId: id, open: api, discard, beat, clock, onLost });
  return new ClusterLease(store, { stateDir: '', name, runId: id, provider: 'existing', deleteCluster });
}
