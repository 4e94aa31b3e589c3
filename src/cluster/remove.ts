import path from 'node:path';

import { silent, type Progress } from '../report/index.js';
import type { ContainerRuntime } from '../runtime/index.js';
import { removeOwned } from '../kubernetes/index.js';
import { kindProvider } from './kind/index.js';
import { currentContext, type Removal, type RemovalRecord } from './leases/index.js';

interface Remover {
  /** What it is called, to a reader. */
  title(name: string): string;
  remove(record: RemovalRecord, progress: Progress): Promise<void>;
}

/** How each kind of cluster goes, told by its own record: whoever deletes it may know nothing else of it. */
const removers: Record<Removal['provider'], Remover> = {
  kind: {
    title: (name) => `delete cluster ${name}`,
    async remove({ name, folder, removal: { runtime } }, progress) {
      if (runtime === null) throw new Error(`the record of ${name} names no container engine`);
      const cluster = {
        ...{ provider: 'kind' as const, name, image: undefined, nodes: [] },
        ...{ config: undefined, kubeconfig: undefined, context: undefined },
      };
      const provider = kindProvider({ cluster, directory: folder, runtime: runtime as ContainerRuntime });
      await provider.delete({ progress });
    },
  },
  // the cluster was there before, and stays; what was set up in it goes
  existing: {
    title: (name) => `remove ${name} from the cluster`,
    async remove({ name, folder }, progress) {
      const kubeconfig = path.join(folder, 'kubeconfig');
      const access = { name, kubeconfig, context: currentContext(kubeconfig) };
      await removeOwned(access, { progress });
    },
  },
};

/** What a deletion is called, to a reader. */
export const describeRemoval = ({ name, removal }: RemovalRecord): string =>
  removers[removal.provider].title(name);

/** Deletes a cluster as its record knows it, as far as it came to be, and verifies that it is gone. */
export const removeCluster = (record: RemovalRecord, progress: Progress = silent): Promise<void> =>
  removers[record.removal.provider].remove(record, progress);
