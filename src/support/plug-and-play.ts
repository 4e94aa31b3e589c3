import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * What a Node.js of our own must be told where Yarn's Plug'n'Play holds the packages: they are in archives, and one
 * finds another by Yarn's table alone, which it gives its own processes by NODE_OPTIONS.
 * @returns command-line options; none where packages are in node_modules
 */
export function plugAndPlayOptions(): string[] {
  if (process.versions['pnp'] === undefined) return [];
  // the table of the workspace that this package is installed in
  const table = createRequire(__filename).resolve('pnpapi');
  const loader = join(dirname(table), '.pnp.loader.mjs');
  const forImports = existsSync(loader) ? ['--experimental-loader', pathToFileURL(loader).href] : [];
  return ['--require', table, ...forImports];
}
