import { glob, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { JestKubernetesError } from '../../support/errors.js';

/**
 * The files of a path: a file itself, a folder's `.yaml`, `.yml` and `.json` files by name, what a glob matches.
 * @throws JestKubernetesError MANIFEST_INVALID where there is none
 */
export async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return [path];
  const files: string[] = [];
  if (found?.isDirectory() === true) {
    const entries = await readdir(path, { withFileTypes: true });
    files.push(
      ...entries
        .filter((entry) => entry.isFile() && isManifest(entry.name))
        .map(({ name }) => join(path, name)),
    );
  } else {
    for await (const match of glob(path)) {
      if ((await stat(match)).isFile()) files.push(match);
    }
  }
  if (files.length > 0) return files.sort();
  const what = found === undefined ? 'No file matches' : 'There is no .yaml, .yml or .json file in';
  throw new JestKubernetesError('MANIFEST_INVALID', `${what} ${path}, which manifests names`, {
    remedy: 'Correct the entry in manifests, or take it out.',
  });
}

function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name);
}
