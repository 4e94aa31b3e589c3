import type { ClusterAccess } from '../../../kubernetes/index.js';
import { openApi } from '../../../kubernetes/index.js';
import type { Progress } from '../../../report/index.js';
import { JestKubernetesError, messageOf } from '../../../support/errors.js';
import { lastLines } from '../../../support/lines.js';
import type { KindNode } from '../kind-config.js';
import type { NodeContainer, RunCli } from '../node-containers.js';
import { argsLike, type InspectedNode } from './container-args.js';
import { format, type SnapshotContent, snapshotKey } from './content.js';
import {
  leadToApiServer,
  leaveKeysToClones,
  packIntoImage,
  stopControllers,
  stopKubelet,
  stopTheRest,
  unpackImages,
} from './node-scripts.js';
import { apiServiceAddress, forgetLife, renewPods } from './rest.js';
import { commitChanges, type Snapshot } from './store.js';

export interface Captured {
  access: ClusterAccess;
  /** The cluster's one node, set up, with its images unpacked in it. */
  node: NodeContainer;
  content: SnapshotContent;
  /** kind's configuration of that cluster. */
  config: { nodes: readonly KindNode[] };
  run: RunCli;
  signal: AbortSignal;
  progress: Progress;
}

/** What making one needs beside what it takes itself, in bytes: the original, a clone that proves it, and room for others. */
const roomNeeded = 8e9;

/**
 * Puts a cluster to rest and makes an image of its node, which is not proven yet. The cluster is of no use any more.
 * @throws JestKubernetesError SNAPSHOT_FAILED where the disk has too little room, or the node does not do what it is told
 */
export async function captureSnapshot(captured: Captured): Promise<Snapshot> {
  const { access, node, content, config, run, signal, progress } = captured;
  const shell = async (what: string, script: string): Promise<string> => {
    progress.moved(what);
    try {
      return await run(['exec', node.id, 'bash', '-c', script], { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new JestKubernetesError('SNAPSHOT_FAILED', `The node could not be made a snapshot of (${what})`, {
        evidence: lastLines((error as { stderr?: string }).stderr ?? messageOf(error), 3),
        cause: error,
      });
    }
  };
  seeThatThereIsRoom(await shell('looking for room', 'df --output=avail -B1 /var | tail -n 1'));
  using api = openApi(access, { signal });
  await shell('unpacking', unpackImages);
  await shell('stopping the kubelet', stopKubelet);
  progress.moved('renewing the pods');
  await renewPods(api, node.hostname, signal);
  await shell('stopping the controllers', stopControllers);
  progress.moved('forgetting what has happened');
  await forgetLife(api, signal);
  const service = await apiServiceAddress(api, signal);
  await shell('stopping the API server', stopTheRest);
  await shell('leaving the keys to the clones', leaveKeysToClones);
  await shell('leading to the API server', leadToApiServer(service));
  await shell('packing', packIntoImage);

  progress.moved('writing the image');
  const [inspected] = JSON.parse(await run(['inspect', node.id], { signal })) as [InspectedNode];
  const mounted = config.nodes.flatMap(({ extraMounts = [] }) =>
    (extraMounts as { containerPath?: string }[]).map(({ containerPath }) => containerPath),
  );
  const record = {
    key: snapshotKey(content),
    content: { ...content, format },
    madeAt: new Date().toISOString(),
    hostname: inspected.Config.Hostname,
    args: argsLike(inspected, mounted),
  };
  const text = await run(['commit', ...commitChanges(record), node.id], { signal });
  return { ...record, id: text.trim(), isProven: false, usedAt: record.madeAt, bytes: 0 };
}

function seeThatThereIsRoom(text: string): void {
  const bytes = Number(text.trim());
  if (bytes >= roomNeeded) return;
  throw new JestKubernetesError('SNAPSHOT_FAILED', 'There is too little room for a snapshot', {
    evidence: [
      `the engine’s disk has ${(bytes / 1e9).toFixed(1)} GB left: ${roomNeeded / 1e9} GB are asked for`,
    ],
    remedy: 'Make room: docker system df tells what takes it.',
  });
}
