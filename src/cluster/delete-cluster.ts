import path from 'node:path';

import { deleteOwned } from '../kubernetes/index.js';
import { type Progress, silent } from '../report/index.js';
import { engineOf } from '../runtime/index.js';
import { deleteContainers, withUnfinished } from './kind/index.js';
import { currentContext, type Removal, type RemovalRecord } from './leases/index.js';

interface Deletion {
  /** What it is called, to a reader. */
  title(name: string): string;
  work(record: RemovalRecord, progress: Progress): Promise<void>;
}

/** How each kind of cluster goes, told by its own record: whoever deletes it may know nothing else of it. */
const deletions: Record<Removal['provider'], Deletion> = {
  kind: {
    title: (name) => `delete cluster ${name}`,
    async work({ name, folder, removal: { runtime } }, progress) {
      if (runtime === null) throw new Error(`the record of ${name} names no container engine`);
      const engine = engineOf(runtime);
      await withUnfinished(name, { engine, env: process.env }, () =>
        deleteContainers({ name, directory: folder, runtime: engine, progress }),
      );
    },
  },
  // the cluster was there before, and stays; what was set up in it goes
  existing: {
    title: (name) => `remove ${name} from the cluster`,
    async work({ name, id, folder }, progress) {
      const kubeconfig = path.join(folder, 'kubeconfig');
      const access = { name, kubeconfig, context: currentContext(kubeconfig) };
      await deleteOwned(access, { id, cluster: name }, { progress });
    },
  },
};

/** What a deletion is called, to a reader. */
export const describeDeletion = ({ name, removal }: RemovalRecord): string =>
  deletions[removal.provider].title(name);

/** Deletes a cluster as its record knows it, as far as it came to be, and verifies that it is gone. */
export const deleteCluster = (record: RemovalRecord, progress: Progress = silent): Promise<void> =>
  deletions[record.removal.provider].work(record, progress);
