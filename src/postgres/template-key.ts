import { createHash } from 'node:crypto';
import { basename } from 'node:path';

import type { PostgresConfig } from '../config/index.js';
import { sha256 } from '../support/sha256.js';
import { readInitScripts } from './init-scripts.js';

/**
 * What a template is made of, as a short hash: the scripts' contents, the command or function that migrates and
 * where it runs. What a migration reads (its files) is not part of it: see `rebuild` of `prepareTemplate`.
 */
export async function postgresKey(config: PostgresConfig, cwd: string): Promise<string> {
  const folders = await readInitScripts(config.initdb);
  const files = folders.flat().flatMap(({ path, content }) => [basename(path), sha256(content)]);
  const migrate = config.migrate === undefined ? [] : [String(config.migrate), cwd];
  return shortHash(config.database, config.user, String(files.length), ...files, ...migrate);
}

/** A short name for any text, of lower-case hexadecimal digits. */
function shortHash(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  // lengths between them, so that ['a', 'bc'] and ['ab', 'c'] differ
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest('hex').slice(0, 12);
}
