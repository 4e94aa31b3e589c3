import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

const root = path.resolve(__dirname, '../..');
const script = path.join(root, 'test/rig/containerd-engine.sh');

/** A Docker Engine that keeps its images in containerd, as a new installation does, and has nothing yet. */
export interface ContainerdEngine extends AsyncDisposable {
  /** As DOCKER_HOST has it. */
  host: string;
  /** The address of its containerd. */
  containerd: string;
}

/**
 * Starts one beside this machine's own engine, which needs Linux, root (or a sudo that asks nothing), and dockerd.
 *
 * @param user - names it, in few letters: one that an interrupted run of the same user has left is removed first
 */
export async function containerdEngine(user: string): Promise<ContainerdEngine> {
  const checkout = createHash('sha256').update(root).digest('hex').slice(0, 6);
  const folder = path.join(tmpdir(), `jk-${user}-${checkout}`);
  const asRoot = process.getuid?.() === 0;
  const run = async (verb: 'start' | 'stop'): Promise<string> => {
    const { stdout } = asRoot
      ? await execa(script, [verb, folder])
      : await execa('sudo', ['-n', script, verb, folder]);
    return stdout.trim();
  };
  await run('stop');
  return {
    host: await run('start'),
    containerd: path.join(folder, 'containerd.sock'),
    [Symbol.asyncDispose]: async () => {
      await run('stop');
    },
  };
}
