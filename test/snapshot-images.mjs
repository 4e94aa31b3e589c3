import { execa } from 'execa';

/** The engine's snapshots, by their ids. */
export async function snapshotImages() {
  const list = ['image', 'ls', '--quiet', '--no-trunc', '--filter', 'label=jest-kubernetes.snapshot'];
  return (await execa('docker', list)).stdout.split('\n').filter(Boolean);
}

/** Removes those that were made since. */
export async function removeSnapshotsBesides(before) {
  const made = (await snapshotImages()).filter((id) => !before.includes(id));
  if (made.length > 0) await execa('docker', ['rmi', '--force', ...made]);
}
