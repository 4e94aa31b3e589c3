import * as z from 'zod';

import { parseDuration } from '../support/duration.js';
import type { Duration, HookFunction, PostgresOptions, UserConfig } from './define-config.js';
import { imageReference, judged } from './image-schema.js';
import { nodeImageProblem, versionProblem } from './node-images.js';
import { nodes } from './node-schema.js';
import type { KnownKeys } from './problems.js';
import { services } from './service-options.js';

/*
 * The shape of a user's configuration, and no more: defaults and paths are filled in by `resolve.ts`. Every
 * message here says what is allowed; `problems.ts` puts before it what was found.
 */

const text = z.string('a string').min(1, 'a string that is not empty');
const path = z.string('a path').min(1, 'a path that is not empty');
const push = z.union([z.boolean(), imageReference], 'true, false or an image reference').optional();
const callback = <F>(allowed: string) => z.custom<F>((value) => typeof value === 'function', allowed);

const version = judged(z.string("a string, in quotes, such as '1.36' or '1.36.4'"), versionProblem);
const nodeImage = judged(imageReference, nodeImageProblem);

const identifier = z
  .string('a name')
  .regex(/^[a-z_][a-z0-9_-]{0,39}$/i, 'letters, digits, _ and -, starting with a letter or _, up to 40');

const duration = z.custom<Duration>(
  (value) => parseDuration(value) !== undefined,
  "a duration such as '90s' or '10m', or a number of milliseconds",
);

const limits = z
  .strictObject({ stall: duration.optional(), total: duration.optional() }, 'an object')
  .refine(
    ({ stall, total }) => (parseDuration(stall) ?? 0) <= (parseDuration(total) ?? Infinity),
    'a stall limit that is not above the total',
  )
  .optional();

const cluster = z.strictObject(
  {
    provider: z.enum(['kind', 'existing'], "'kind' or 'existing'").optional(),
    name: z
      .string('a name')
      // kind's own rule, and room for `-control-plane` within a host name's 63 characters
      .regex(
        /^[a-z0-9](?:[a-z0-9.-]{0,47}[a-z0-9])?$/,
        'lower-case letters, digits, dots and hyphens, up to 49, with a letter or digit at both ends',
      )
      .optional(),
    version: version.optional(),
    image: nodeImage.optional(),
    nodes: nodes.optional(),
    config: z.union([path, z.record(z.string(), z.unknown())], 'a kind config, inline or by path').optional(),
    snapshot: z.boolean('true or false').optional(),
    standby: z.boolean('true or false').optional(),
    kubeconfig: path.optional(),
    context: text.optional(),
    conflicts: z.enum(['refuse', 'leave'], "'refuse' or 'leave'").optional(),
  },
  'an object',
);

const image = z.union(
  [
    imageReference,
    z.strictObject({ reference: imageReference, push }),
    z.strictObject({
      build: path,
      dockerfile: path.optional(),
      tag: imageReference,
      args: z.record(z.string(), z.string('a string'), 'an object of strings').optional(),
      target: text.optional(),
      push,
    }),
    z.strictObject({ archive: path }),
  ],
  'an image reference, { reference, push }, { build, dockerfile, tag, args, target, push } or { archive }',
);

const quantities = z
  .record(
    z.string(),
    z.union([text, z.number()], "a quantity such as '512Mi'"),
    "an object such as { memory: '512Mi' }",
  )
  .optional();

/** What a server’s place in the cluster decides, with what there is instead. */
const fixedSettings = {
  port: 'nothing: postgres.hostPort is the port on this machine',
  listen_addresses: 'nothing: it listens where its Service finds it, and on this machine on 127.0.0.1',
};

const postgres = z.strictObject({
  image: imageReference.optional(),
  database: identifier.optional(),
  user: identifier.optional(),
  password: text.optional(),
  hostPort: z
    .number('a port from 0 (any free one) to 65535')
    .int('a port from 0 (any free one) to 65535')
    .min(0, 'a port from 0 (any free one) to 65535')
    .max(65535, 'a port from 0 (any free one) to 65535')
    .optional(),
  initdb: z.union([path, z.array(path)], 'a path or a list of paths').optional(),
  migrate: z
    .union(
      [text, callback<Exclude<PostgresOptions['migrate'], string | undefined>>('a function')],
      'a command or a function',
    )
    .optional(),
  storage: z.enum(['memory', 'disk'], "'memory' or 'disk'").optional(),
  reset: z.enum(['test', 'file', 'never'], "'test', 'file' or 'never'").optional(),
  settings: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], 'a string, a number, true or false'),
      'an object such as { max_connections: 200 }',
    )
    .superRefine((settings, context) => {
      for (const [name, message] of Object.entries(fixedSettings)) {
        if (name in settings) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .optional(),
  resources: z.strictObject({ requests: quantities, limits: quantities }, 'an object').optional(),
});

const wait = z.boolean('true or false').optional();

const values = z.union([path, z.record(z.string(), z.unknown())], 'values, or the path of a file of them');
const dnsLabel = (what: string): z.ZodString =>
  z
    .string(what)
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?$/, 'lower-case letters, digits and hyphens, up to 53');

const manifest = z.union(
  [
    path,
    z.strictObject({ path, wait }),
    z.strictObject({ kustomize: path, wait }),
    z.strictObject({
      helm: path,
      values: z
        .union([values, z.array(values)], 'values, the path of a file of them, or a list of either')
        .optional(),
      release: dnsLabel('a release’s name').optional(),
      namespace: dnsLabel('a namespace').optional(),
      wait,
    }),
  ],
  'a path, { path, wait }, { kustomize, wait } or { helm, values, release, namespace, wait }',
);

const hook = z.union([path, callback<HookFunction>('a function')], 'a function, or the path of a module');
const hooks = z
  .union([hook, z.array(hook)], 'a function, the path of a module, or a list of these')
  .optional();

export const userConfigSchema = z.strictObject(
  {
    cluster: cluster.optional(),
    images: z.array(image, "a list such as ['redis:8-alpine']").optional(),
    mirrors: z
      .array(
        z
          .string('a registry')
          .regex(/^[a-z0-9][a-z0-9.-]*(?::\d+)?(?:\/[a-z0-9._-]+)*$/, 'a registry such as mirror.gcr.io'),
        "a list such as ['mirror.gcr.io'], or an empty one for none",
      )
      .optional(),
    manifests: z.array(manifest, "a list such as ['k8s/*.yaml']").optional(),
    postgres: z.union([z.boolean(), postgres], 'true, false or an object').optional(),
    services: services.optional(),
    keep: z.enum(['never', 'on-failure', 'always'], "'never', 'on-failure' or 'always'").optional(),
    quiet: z.boolean('true or false').optional(),
    timeouts: z
      .strictObject(
        { cluster: limits, pull: limits, import: limits, manifests: limits, postgres: limits },
        'an object',
      )
      .optional(),
    diagnostics: z
      .union(
        [path, z.strictObject({ directory: path.optional(), tests: z.boolean('true or false').optional() })],
        'a path or { directory, tests }',
      )
      .optional(),
    dotenv: z.union([path, z.array(path)], 'a path or a list of paths').optional(),
    setup: hooks,
    eachRun: hooks,
  },
  'an object',
);

/** What the environment alone may say; the file has no such keys. */
export const runtimeSchema = z.enum(['docker', 'podman', 'nerdctl'], "'docker', 'podman' or 'nerdctl'");

const onOrOff = z
  .string()
  .regex(/^(on|true|1|off|false|0)$/i, "'on' (or 'true', '1') or 'off' (or 'false', '0')")
  .transform((value) => /^(on|true|1)$/i.test(value));

/** What the variables that override a key of the file may say. */
export const variableSchemas = {
  provider: cluster.shape.provider.unwrap(),
  name: cluster.shape.name.unwrap(),
  version,
  nodeImage,
  nodeImages: z
    .string('a repository')
    .regex(
      /^[a-z0-9][a-z0-9.-]*(?::\d+)?(?:\/[a-z0-9._-]+)+$/,
      'a repository such as registry.example/kindest/node, without a tag',
    ),
  keep: userConfigSchema.shape.keep.unwrap(),
  snapshot: onOrOff,
  quiet: onOrOff,
  image: imageReference,
  runtime: runtimeSchema,
  allowContext: text,
};

/** Every key that the file may have. */
export const knownKeys: KnownKeys = keysOf(userConfigSchema, '', new Map<string, string[]>());

function keysOf(schema: unknown, place: string, keys: Map<string, string[]>): Map<string, string[]> {
  if (schema instanceof z.ZodOptional) return keysOf(schema.unwrap(), place, keys);
  if (schema instanceof z.ZodArray) return keysOf(schema.element, join(place, '0'), keys);
  if (schema instanceof z.ZodUnion) for (const option of schema.options) keysOf(option, place, keys);
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Record<string, unknown>;
    keys.set(place, [...new Set([...(keys.get(place) ?? []), ...Object.keys(shape)])]);
    for (const [key, value] of Object.entries(shape)) keysOf(value, join(place, key), keys);
  }
  return keys;
}

function join(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`;
}

type Parsed = z.output<typeof userConfigSchema>;

// what the schema lets through is what the documented type says, and no key is in one of them alone
true satisfies Parsed extends UserConfig ? true : false;
true satisfies [keyof Parsed, keyof UserConfig] extends [keyof UserConfig, keyof Parsed] ? true : false;
