/**
 * Writes what is made from the code: the JSON schema, and the pages of docs/reference.
 *
 *   node test/docs/generate.mjs [--check]     with --check it writes nothing, and fails where a file is not what it should be
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';

import { configurationPage, jsonSchema, variablesPage } from './configuration.mjs';
import { apiPage } from './api.mjs';
import { root } from './natively.mjs';

const files = {
  'schema.json': async () => JSON.stringify(await jsonSchema()),
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/variables.md': variablesPage,
  'docs/reference/api.md': apiPage,
};

for (const [name, make] of Object.entries(files)) {
  const filepath = join(root, name);
  const text = await format(await make(), { ...(await resolveConfig(filepath)), filepath });
  if (text === (await readFile(filepath, 'utf8').catch(() => undefined))) continue;
  if (process.argv.includes('--check')) {
    console.error(`${name} is not what the code says: npm run docs:generate`);
    process.exitCode = 1;
  } else await writeFile(filepath, text);
}
