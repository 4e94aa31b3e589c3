import { execa } from 'execa';

/** Clusters start from snapshots, also where the other tests' do not. */
export const on = { JEST_KUBERNETES_SNAPSHOT: 'on' };

const lines = async (...args: string[]): Promise<string[]> =>
  (await execa('docker', args)).stdout.split('\n').filter(Boolean);
const list = ['image', 'ls', '--filter', 'label=jest-kubernetes.snapshot'];

/** The engine's snapshots, by their ids, in the same order each time. */
export const images = async (): Promise<string[]> => (await lines(...list, '--quiet', '--no-trunc')).sort();

/** The same by their names. */
export const references = (): Promise<string[]> => lines(...list, '--format', '{{.Repository}}:{{.Tag}}');

/** The containers of clusters that snapshots are made of. */
export const originals = (): Promise<string[]> => lines('ps', '-aq', '--filter', 'name=jk-snapshot-');

/** Removes the snapshots that a test has made. */
export async function removeThoseBesides(before: readonly string[]): Promise<void> {
  const made = (await images()).filter((id) => !before.includes(id));
  if (made.length > 0) await execa('docker', ['rmi', '--force', ...made]);
}
