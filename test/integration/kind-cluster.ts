import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { ClusterAccess } from '../../src/kubernetes/index.js';
import { nodeImageHere } from '../node-image.js';

export const run = promisify(execFile);

/** A cluster of one node, made by kind's own command line. */
export interface KindCluster {
  access: ClusterAccess;
  node: string;
  /** With the cluster's kubeconfig, and room for a test's own files; goes with the cluster. */
  folder: string;
  load(image: string): Promise<void>;
  remove(): Promise<void>;
}

interface PortMapping {
  containerPort: number;
  hostPort: number;
}

/** Boots in half a minute: one for a test file, in `beforeAll`. */
export async function kindCluster(prefix: string, ports: readonly PortMapping[] = []): Promise<KindCluster> {
  const name = `${prefix}-${process.pid}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const access = { name, kubeconfig: join(folder, 'kubeconfig'), context: `kind-${name}` };
  const kind = (...args: readonly string[]): Promise<unknown> => run('kind', [...args, '--name', name]);
  const remove = async (): Promise<void> => {
    await kind('delete', 'cluster', '--kubeconfig', access.kubeconfig);
    await rm(folder, { recursive: true, force: true });
  };
  const extraPortMappings = ports.map((each) => ({ ...each, listenAddress: '127.0.0.1' }));
  const configuration = join(folder, 'kind.json');
  await writeFile(
    configuration,
    JSON.stringify({
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      nodes: [{ role: 'control-plane', extraPortMappings }],
    }),
  );
  const image = nodeImageHere === undefined ? [] : ['--image', nodeImageHere];
  try {
    await kind('create', 'cluster', ...image, '--config', configuration, '--kubeconfig', access.kubeconfig);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    access,
    node: `${name}-control-plane`,
    folder,
    async load(reference) {
      await kind('load', 'docker-image', reference);
    },
    remove,
  };
}
