import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';

import type { Progress } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { bootId } from '../../support/process-identity.js';
import { quoted } from '../../support/shell.js';
import { isForeign, stateDirectory } from '../../support/state-directory.js';
import { deleteIfAbandoned, listClusters } from '../leases/index.js';
import { deleteContainers } from './delete-containers.js';
import { ownerMount } from './kind-config.js';
import type { NodeContainer, RunCli } from './node-containers.js';

/*
 * A name is the engine's, and a state directory its user's: where containers of a name are another directory's (another
 * user's, sudo's, that of a job whose home is gone), it depends on whether somebody can still use them.
 */

/** Where a cluster's maker saw its state directory; in the owner's file, which every node has mounted. */
interface Place {
  host: string;
  user: string;
  /** Undefined where paths are the same for all processes. */
  view: string | undefined;
}

/** Where this process sees files, and who it is. */
export function placeHere(): Place {
  return { host: hostname(), user: nameOfUser(), view: viewOfFiles() };
}

/** The boot and the mount namespace: what another one sees under a path may be something else. */
function viewOfFiles(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return `${bootId()}/${readlinkSync('/proc/self/ns/mnt')}`;
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${String(process.getuid?.() ?? '')}`; // in many containers it has no name
  }
}

interface Taken {
  name: string;
  containers: readonly NodeContainer[];
  run: RunCli;
  engine: ContainerRuntime;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Deletes the containers of a name that nobody can use any more.
 * @throws JestKubernetesError CLUSTER_NAME_TAKEN where somebody may
 */
export async function makeRoom(taken: Taken): Promise<void> {
  const { name, containers, engine, env, progress, signal } = taken;
  const [mark, ...others] = new Set(containers.map((container) => container.mark));
  if (mark === undefined || others.length > 0) throw nameTaken(taken, 'it was not made by jest-kubernetes');
  const place = await placeOf(taken);
  const whose = `made by jest-kubernetes for ${path.dirname(mark)}${
    place === undefined ? '' : `, by ${place.user} on ${place.host}`
  }`;
  const stateDir = path.dirname(path.dirname(path.dirname(mark)));
  const refusal = (why: string, isSeen = false): JestKubernetesError =>
    nameTaken(taken, `${whose}: ${why}`, isSeen ? stateDir : undefined);
  const { seen, code } = look(stateDir, mark, place);
  if (seen === 'nothing')
    throw refusal(`whether it is in use cannot be seen from here${code === undefined ? '' : ` (${code})`}`);

  const deleteIt = (): Promise<void> => {
    progress.note(`deleting the cluster ${name}, which nobody can use any more (${whose})`);
    const directory = path.dirname(mark);
    return deleteContainers({ name, directory, mark, runtime: engine, env, signal, progress });
  };
  if (seen === 'gone' || !listClusters(stateDir).some((cluster) => cluster.name === name)) {
    await deleteIt();
    return;
  }
  // by its own state, so that whoever comes there meanwhile waits; of another life of the directory it says nothing
  const isItsOwn = stateDirectory(stateDir)?.id === idIn(mark);
  if (!isItsOwn || !(await deleteIfAbandoned({ stateDir, name, deleteCluster: deleteIt })))
    throw refusal('it is in use there, or kept', true);
}

/** What the containers themselves say; undefined where they stand still, or were made by an earlier version. */
async function placeOf({ containers, run, signal }: Taken): Promise<Place | undefined> {
  const running = containers.find(({ state }) => state === 'running');
  if (running === undefined) return undefined;
  try {
    const text = await run(['exec', running.id, 'cat', ownerMount], { signal, timeout: 10_000 });
    const { place } = JSON.parse(text) as { place?: Place };
    return place;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** The id of the state directory that a mark is of; undefined: an earlier version's. */
const idIn = (mark: string): string | undefined => /owner-([0-9a-f]+)$/.exec(mark)?.[1];

/** Whether a state directory is there or gone, as far as it can be known from here. */
function look(
  stateDir: string,
  mark: string,
  place: Place | undefined,
): { seen: 'there' | 'gone' | 'nothing'; code?: string } {
  // with an id in its name there is no other file like it, whoever looks from wherever
  const isMarkSeen = idIn(mark) !== undefined && existsSync(mark);
  const here = placeHere();
  // the host too: a kernel gives a mount namespace's number away again, and each container has a host name of its own
  const seesTheSame = place !== undefined && place.view === here.view && place.host === here.host;
  if (!isMarkSeen && !seesTheSame) return { seen: 'nothing' };
  try {
    readdirSync(stateDir);
    // one that has other things in it now tells nothing
    return { seen: isForeign(stateDir) ? 'nothing' : 'there' };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { seen: 'gone' } : { seen: 'nothing', code };
  }
}

/** @param stateDir - of one that can be deleted from here by its own state */
function nameTaken({ name, containers, engine }: Taken, why: string, stateDir?: string): JestKubernetesError {
  const byKind = `${engine.name === 'docker' ? '' : `KIND_EXPERIMENTAL_PROVIDER=${engine.name} `}kind delete cluster --name ${name}`;
  const command =
    stateDir === undefined
      ? byKind
      : `JEST_KUBERNETES_STATE_DIR=${quoted(stateDir)} npx jest-kubernetes down ${name}`;
  return new JestKubernetesError(
    'CLUSTER_NAME_TAKEN',
    `The name ${name} belongs to another cluster, which stays untouched`,
    {
      evidence: [
        ...containers.map(
          (container) => `container ${container.name}, ${container.state}, created ${container.createdAt}`,
        ),
        why,
      ],
      remedy: `Choose another cluster.name (JEST_KUBERNETES_NAME), or delete that cluster if nobody needs it: ${command}`,
    },
  );
}
