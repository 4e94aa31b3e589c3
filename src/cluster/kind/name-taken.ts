import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';

import type { Progress } from '../../report/index.js';
import type { ContainerRuntime } from '../../runtime/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { findAbandoned, stateDirectory } from '../leases/index.js';
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
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}/${readlinkSync('/proc/self/ns/mnt')}`;
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
  const standing = standingOf(name, mark, place);
  const whose = `made by jest-kubernetes for ${path.dirname(mark)}${
    place === undefined ? '' : `, by ${place.user} on ${place.host}`
  }`;
  if (standing !== 'nobody’s') throw nameTaken(taken, `${whose}: ${standing}`);
  progress.note(`deleting the cluster ${name}, which nobody can use any more (${whose})`);
  await deleteContainers({
    name,
    directory: path.dirname(mark),
    mark,
    runtime: engine,
    env,
    signal,
    progress,
  });
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

/** Whether somebody may use the cluster of a state directory, and why. */
function standingOf(name: string, mark: string, place: Place | undefined): string {
  const stateDir = path.dirname(path.dirname(path.dirname(mark)));
  if (place === undefined || place.view !== viewOfFiles())
    return 'whether it is in use cannot be seen from here';
  try {
    statSync(stateDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'nobody’s' : `whether it is in use cannot be seen from here (${code ?? ''})`;
  }
  const id = /owner-([0-9a-f]+)$/.exec(mark)?.[1];
  const there = stateDirectory(stateDir);
  if (there === undefined && !isReadable(stateDir)) return 'whether it is in use cannot be seen from here';
  // its directory was removed, and made anew
  if (there?.id !== id) return 'nobody’s';
  return findAbandoned(stateDir).includes(name) ? 'nobody’s' : 'it is in use there, or kept';
}

function isReadable(stateDir: string): boolean {
  try {
    readFileSync(path.join(stateDir, 'jest-kubernetes.json'));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function nameTaken({ name, containers, engine }: Taken, why: string): JestKubernetesError {
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
      remedy: `Choose another cluster.name (JEST_KUBERNETES_NAME), or delete that cluster if nobody needs it: ${
        engine.name === 'docker' ? '' : `KIND_EXPERIMENTAL_PROVIDER=${engine.name} `
      }kind delete cluster --name ${name}`,
    },
  );
}
