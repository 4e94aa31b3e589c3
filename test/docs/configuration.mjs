/** The configuration's JSON schema, and its page: the shape is zod's, the words are those of the type's comments. */
import * as z from 'zod';

import { commentedList, describer, programOf } from './comments.mjs';
import { fromSource } from './natively.mjs';

const id = 'https://github.com/jest-kubernetes/jest-kubernetes/blob/main/schema.json';

/** What only code can say is no part of a JSON file. */
const code = { type: 'function' };
const isCode = (schema) => schema.type === code.type;

/** A value that zod leaves to a function, by where it stands. */
const custom = ({ path }) => {
  if (['stall', 'total'].includes(path.at(-1))) {
    return { anyOf: [{ type: 'string' }, { type: 'number', minimum: 0 }] };
  }
  return path.includes('taints') ? { type: 'string' } : code;
};

function withoutCode(schema) {
  if (Array.isArray(schema)) return schema.filter((each) => !isCode(each)).map(withoutCode);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(([, value]) => !isCode(Object(value)));
  const { anyOf, ...rest } = Object.fromEntries(entries.map(([key, value]) => [key, withoutCode(value)]));
  if (anyOf === undefined) return rest;
  return anyOf.length === 1 ? { ...anyOf[0], ...rest } : { ...rest, anyOf };
}

const program = programOf('src/config/define-config.ts', 'src/config/variables.ts');

async function shape() {
  const { userConfigSchema } = await fromSource('config/schema.js');
  const { $schema, ...schema } = z.toJSONSchema(userConfigSchema, {
    target: 'draft-07',
    io: 'input',
    unrepresentable: custom,
    override: ({ jsonSchema }) => {
      // zod's word, beside the pattern that says the same, and no format that JSON schema knows
      if (jsonSchema.format === 'includes') delete jsonSchema.format;
    },
  });
  describer(program, 'src/config/define-config.ts', 'UserConfig')(schema);
  return { $schema, ...schema };
}

/** `schema.json`: what an editor knows of `jest-kubernetes.config.json`. */
export async function jsonSchema() {
  const { $schema, properties, ...schema } = withoutCode(await shape());
  const title = 'The configuration of jest-kubernetes';
  return {
    ...{ $schema, $id: id, title },
    ...schema,
    properties: { $schema: { type: 'string', description: 'The address of this schema.' }, ...properties },
  };
}

const quoted = (value) => `\`${typeof value === 'string' ? `'${value}'` : String(value)}\``;

/** What a value may be, in a word or two. */
function typeOf(schema) {
  if (schema.enum !== undefined) return schema.enum.map(quoted).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(', or ');
  if (schema.type === 'array') {
    return schema.items.anyOf === undefined
      ? `list of: ${typeOf(schema.items)}`
      : `list, of each: ${typeOf(schema.items)}`;
  }
  if (schema.type === 'object') {
    if (schema.properties === undefined) return 'object';
    return `\`{ ${Object.keys(schema.properties).join(', ')} }\``;
  }
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer' && schema.minimum !== undefined) {
    const { minimum, maximum } = schema;
    const isOpen = maximum === undefined || maximum > 2 ** 31;
    return isOpen ? `whole number from ${minimum}` : `whole number from ${minimum} to ${maximum}`;
  }
  return schema.type ?? 'anything';
}

/** The keys of a schema, those of what it holds after it. */
function keysOf(schema, place = '') {
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((each) => keysOf(each, place));
  if (schema.type === 'array') return keysOf(schema.items, `${place}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    // of each phase the same
    const full = place === '' ? key : `${place.replace(/^timeouts\.\w+$/, 'timeouts.*')}.${key}`;
    const isNeeded = schema.required?.includes(key) ?? false;
    return [{ full, property, isNeeded }, ...keysOf(property, full)];
  });
}

/** One of each name: entries of a list may have the same key. */
function merged(keys) {
  const byName = new Map();
  for (const { full, property, isNeeded } of keys) {
    const known = byName.get(full) ?? { types: new Set(), words: new Set(), isNeeded };
    known.types.add(typeOf(property));
    if (property.description !== undefined) known.words.add(property.description);
    byName.set(full, known);
  }
  return byName;
}

const head = `# Configuration

<!-- Made by \`npm run docs:generate\` from src/config: change it there. -->

No file is needed: everything has a default. \`jest-kubernetes.config.ts\` (or \`.mts\`, \`.cts\`, \`.js\`, \`.mjs\`, \`.cjs\`, \`.json\`),
or the key \`jest-kubernetes\` of package.json, is looked for beside the Jest config and in the folders above it, up to the workspace's
root. How to use it is told in [the guide](../guide/configuration.md).
`;

/** `docs/reference/configuration.md`. */
export async function configurationPage() {
  const keys = [...merged(keysOf(await shape()))].map(([name, { types, words, isNeeded }]) =>
    [
      `${name.includes('.') ? '###' : '##'} \`${name}\``,
      `Type: ${[...types].join(', or ')}${isNeeded ? ' (required)' : ''}`,
      ...words,
    ].join('\n\n'),
  );
  return [head, ...keys].join('\n\n');
}

const variablesHead = `# Variables

<!-- Made by \`npm run docs:generate\` from src/config/variables.ts: change it there. -->

Variables win over the configuration file. \`.env.test\` and \`.env\` beside the configuration, and in Jest's \`rootDir\`, are read for
their \`JEST_KUBERNETES\` lines; they do not override the environment.
`;

const table = (header, rows) =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const switchedOff =
  '`off` (or `false`, `0`): the preset does nothing, and tests run without a cluster; in `.env` too.';

/** Those of other programs, which the run sets for tests. */
const others = [
  [
    '`KUBECONFIG`',
    'A kubeconfig (mode 0600) that knows this cluster alone; `~/.kube/config` is never touched.',
  ],
  [
    '`PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `DATABASE_URL`',
    'With `postgres`: this worker’s own database.',
  ],
  ['`REDIS_URL`, …', 'With `services`: `NAME_HOST`, `NAME_PORT`, `NAME_URL` of each.'],
];

/** `docs/reference/variables.md`. */
export function variablesPage() {
  const rows = (list) =>
    commentedList(program, 'src/config/variables.ts', list).map(({ name, text }) => [`\`${name}\``, text]);
  return [
    variablesHead,
    '## What you set',
    table(['variable', 'what it does'], [['`JEST_KUBERNETES`', switchedOff], ...rows('settable')]),
    '## What tests see',
    table(['variable', 'value'], [...rows('ours'), ...others]),
  ].join('\n\n');
}
