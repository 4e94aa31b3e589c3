import * as z from 'zod';

import type { ServiceConfig } from './config.js';
import type { ServiceOption } from './define-config.js';
import { imageReference } from './image-schema.js';

/*
 * A service that runs beside PostgreSQL: what its image does not say, the port it listens at and how it tells that it
 * is ready, is in the table for those that many use, and else in the configuration.
 */

type Known = Pick<ServiceConfig, 'port' | 'ready' | 'url'>;

/** By the last part of the image's name. */
const known: Readonly<Record<string, Known>> = {
  redis: { port: 6379, ready: ['redis-cli', 'ping'], url: 'redis://{host}:{port}' },
  valkey: { port: 6379, ready: ['valkey-cli', 'ping'], url: 'redis://{host}:{port}' },
};

const nameOf = (image: string): string => /([^/:@]+)(?::[^/@]+)?(?:@.*)?$/.exec(image)?.[1] ?? image;

const names = Object.keys(known).join(', ');

/** Of a Service, and, in capitals, of variables. */
const namePattern = /^[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?$/;

const service = z.strictObject({
  image: imageReference,
  name: z.string('a name').regex(namePattern, 'lower-case letters, digits and hyphens, up to 31').optional(),
  port: z.number('a port').int('a port').min(1, 'a port from 1').max(65535, 'a port up to 65535').optional(),
  ready: z
    .array(z.string('a string'), "a command such as ['redis-cli', 'ping']")
    .min(1, 'a command')
    .optional(),
  env: z.record(z.string(), z.string('a string'), 'an object of strings').optional(),
  args: z.array(z.string('a string'), "a list such as ['--appendonly', 'no']").optional(),
  url: z
    .string('a string')
    .includes('{port}', 'a string such as nats://{host}:{port}')
    .regex(/^\S*$/, 'one without white space')
    .regex(/^(?:[^{}]|\{(?:host|port)\})*$/, '{host} and {port} alone in braces')
    .optional(),
});

/** What the package itself tells a worker. */
export const ownVariable = /^(?:KUBECONFIG$|JEST_|PG[A-Z]+$|DATABASE_URL$)/;

/** What tells a worker where a service is: variables, and what they are, with `{host}` and `{port}`. */
export function serviceVariables(name: string, url: string | undefined): Record<string, string> {
  const prefix = name.toUpperCase().replaceAll('-', '_');
  return {
    ...(url === undefined ? {} : { [`${prefix}_URL`]: url }),
    [`${prefix}_HOST`]: '{host}',
    [`${prefix}_PORT`]: '{port}',
  };
}

/** A service, and every name but once. */
export const services = z
  .array(z.union([imageReference, service], 'an image, or { image, port, … }'), 'a list of images')
  .superRefine((options, context) => {
    const wrong = (at: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path: at, message });
    };
    const seen = new Set<string>();
    for (const [index, option] of options.entries()) {
      const { image, port, name, url } =
        typeof option === 'string' ? { image: option, url: undefined } : option;
      const called = name ?? nameOf(image);
      if (called === 'postgres') wrong([index], 'another service: PostgreSQL is the option postgres');
      else if (port === undefined && known[nameOf(image)] === undefined)
        wrong([index], `{ image, port }, or without a port one of ${names}`);
      else if (!namePattern.test(called))
        wrong([index], `one with a name, { image, name }: “${called}” cannot be a Service's`);
      const taken = Object.keys(serviceVariables(called, url)).find((variable) => ownVariable.test(variable));
      if (taken !== undefined)
        wrong(
          name === undefined ? [index] : [index, 'name'],
          `another name: ${taken} is a variable of the package’s own`,
        );
      if (seen.has(called))
        wrong([index], `one of each name: ${called} is there twice, so give one { name }`);
      seen.add(called);
    }
  });

/** With all that is left out filled in. */
export function resolveService(option: ServiceOption): ServiceConfig {
  const given = typeof option === 'string' ? { image: option } : option;
  const { image } = given;
  const standard = known[nameOf(image)];
  const port = given.port ?? standard?.port;
  if (port === undefined) throw new Error(`the port of ${image} is not known`);
  return {
    name: given.name ?? nameOf(image),
    image,
    port,
    ready: given.ready ?? standard?.ready,
    env: given.env ?? {},
    args: given.args ?? [],
    url: given.url ?? standard?.url,
  };
}
