/**
 * Writes what is made from the code: the JSON schema, the pages of docs/reference, and the pictures of a run (its
 * screen is recorded by record.mjs).
 *
 *   node test/docs/generate.mjs [--check]     with --check it writes nothing, and fails where a file is not what it should be
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';

import { configurationPage, jsonSchema, variablesPage } from './configuration.mjs';
import { apiPage } from './api.mjs';
import { lifecycle } from './lifecycle.mjs';
import { root } from './natively.mjs';
import { picture } from './picture.mjs';

const files = {
  'schema.json': async () => JSON.stringify(await jsonSchema()),
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/variables.md': variablesPage,
  'docs/reference/api.md': apiPage,
  'docs/pictures/lifecycle-dark.svg': () => lifecycle('dark'),
  'docs/pictures/lifecycle-light.svg': () => lifecycle('light'),
  'docs/pictures/run-dark.svg': () => picture('dark'),
  'docs/pictures/run-light.svg': () => picture('light'),
};

for (const [name, make] of Object.entries(files)) {
  const filepath = join(root, name);
  const made = await make();
  const text = name.endsWith('.svg')
    ? made
    : await format(made, { ...(await resolveConfig(filepath)), filepath });
  if (text === (await readFile(filepath, 'utf8').catch(() => undefined))) continue;
  if (process.argv.includes('--check')) {
    console.error(`${name} is not what the code says: npm run docs:generate`);
    process.exitCode = 1;
  } else await writeFile(filepath, text);
}
