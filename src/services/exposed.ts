import { ownVariable } from '../config/index.js';
import { describeObject, type ManifestObject } from '../kubernetes/index.js';
import { JestKubernetesError } from '../support/errors.js';

/**
 * On a Service of a run's manifests: variables of every test worker, with its address as it is reached from this machine,
 * such as `NATS_URL=nats://{host}:{port} NATS_MONITOR=http://{host}:{port:monitor}`. White space parts them; `{port}` is
 * the Service's first.
 */
export const environmentAnnotation = 'jest-kubernetes/env';

/** A Service that tests talk to. */
export interface ExposedService {
  namespace: string;
  name: string;
  /** The Service's ports that its variables name. */
  ports: readonly number[];
  /** Each variable, by what its text becomes where the ports are reached. */
  variables: Readonly<Record<string, (addressOf: (port: number) => Address) => string>>;
}

interface Address {
  host: string;
  port: number;
}

interface ServicePort {
  name?: string;
  port: number;
}

const assignment = /^([A-Za-z_]\w*)=(\S+)$/;
const placeholder = /\{(host|port)(?::([^{}]*))?\}/g;

/**
 * The Services among manifests that carry the annotation.
 * @param elsewhere - the namespace of one that names none
 * @throws JestKubernetesError CONFIG_INVALID for an annotation that cannot be read, with the Service and its file
 */
export function exposedServices(objects: readonly ManifestObject[], elsewhere: string): ExposedService[] {
  return objects.flatMap((entry) => {
    const { object } = entry;
    const text = object.kind === 'Service' ? object.metadata.annotations?.[environmentAnnotation] : undefined;
    return text === undefined ? [] : [read(entry, text, elsewhere)];
  });
}

function read(
  { object, origin, namespace }: ManifestObject,
  text: string,
  elsewhere: string,
): ExposedService {
  const wrong = (why: string): JestKubernetesError =>
    new JestKubernetesError(
      'CONFIG_INVALID',
      `${describeObject(object)} says which variables it has, but wrongly`,
      {
        evidence: [`${origin}: ${environmentAnnotation}: ${text}`, why],
        remedy: 'Write it as REDIS_URL=redis://{host}:{port}, and several with a blank between them.',
      },
    );
  const { ports: offered = [] } = (object as { spec?: { ports?: ServicePort[] } }).spec ?? {};
  const portOf = (named: string | undefined): number => {
    const found = named === undefined ? offered[0] : offered.find(({ name }) => name === named);
    if (found !== undefined) return found.port;
    const names = offered.flatMap(({ name }) => name ?? []);
    throw wrong(
      named === undefined
        ? 'the Service has no port'
        : `it has no port called “${named}”; it has ${names.join(', ') || 'none with a name'}`,
    );
  };
  const ports = new Set<number>();
  const assignments = text
    .trim()
    .split(/\s+/)
    .map((each) => {
      const [, variable, value] = assignment.exec(each) ?? [];
      if (variable === undefined || value === undefined) throw wrong(`“${each}” is no NAME=value`);
      if (ownVariable.test(variable)) throw wrong(`${variable} is a variable of the package’s own`);
      for (const [, , named] of value.matchAll(placeholder)) ports.add(portOf(named));
      const become = (addressOf: (port: number) => Address): string =>
        value.replace(placeholder, (_, what: keyof Address, named?: string) =>
          String(addressOf(portOf(named))[what]),
        );
      return [variable, become] as const;
    });
  return {
    namespace: object.metadata.namespace ?? namespace ?? elsewhere,
    name: object.metadata.name,
    ports: [...ports],
    variables: Object.fromEntries(assignments),
  };
}
