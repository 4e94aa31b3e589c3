import type { ServiceConfig } from '../../../src/config/index.js';
import type { KubernetesObject, ManifestObject } from '../../../src/kubernetes/index.js';
import { exposedServices, nodePortOf, serviceObjects } from '../../../src/services/index.js';

const redis: ServiceConfig = {
  name: 'redis',
  image: 'redis:8-alpine',
  port: 6379,
  ready: ['redis-cli', 'ping'],
  env: {},
  args: [],
  url: 'redis://{host}:{port}',
};
const made = (services: readonly ServiceConfig[], node?: string): KubernetesObject[] =>
  serviceObjects(services, { namespace: 'jest-kubernetes', node });
const entry = (object: KubernetesObject): ManifestObject => ({ object, origin: 'k8s/nats.yaml' });
const addressOf = (port: number): { host: string; port: number } => ({
  host: '127.0.0.1',
  port: port + 10_000,
});

/** What a worker is told of the objects' Services. */
function told(objects: readonly KubernetesObject[]): Record<string, string> {
  const variables = exposedServices(objects.map(entry), 'default').flatMap((each) =>
    Object.entries(each.variables).map(([name, become]) => [name, become(addressOf)]),
  );
  return Object.fromEntries(variables) as Record<string, string>;
}

const nats = (annotation: string, ports: object[] = [{ port: 4222 }, { port: 8222, name: 'monitor' }]) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'nats', annotations: { 'jest-kubernetes/env': annotation } },
  spec: { ports },
});

test('a service is a Deployment and a Service of its name, which tells where it is', () => {
  const objects = made([redis], 'a-node');
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'Namespace jest-kubernetes',
    'Service redis',
    'Deployment redis',
  ]);
  expect(told(objects)).toEqual({
    REDIS_URL: 'redis://127.0.0.1:16379',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: '16379',
  });
});

test('none of them make nothing', () => {
  expect(made([], 'a-node')).toEqual([]);
});

test('in a cluster of ours it has a port of the node, of its name alone; in another’s it has none', () => {
  const port = (objects: readonly KubernetesObject[]): unknown =>
    JSON.stringify(objects).match(/"hostPort":(\d+)/)?.[1];
  expect(port(made([redis], 'a-node'))).toBe(String(nodePortOf(redis)));
  expect(port(made([redis]))).toBeUndefined();
  expect(nodePortOf({ name: 'nats' })).not.toBe(nodePortOf(redis));
  expect(JSON.stringify(made([redis]))).toContain('"pod-security.kubernetes.io/enforce":"baseline"');
});

test('a hyphen in its name is none in its variables, and without a URL it has a host and a port', () => {
  const cache = { ...redis, name: 'my-cache', url: undefined };
  expect(Object.keys(told(made([cache])))).toEqual(['MY_CACHE_HOST', 'MY_CACHE_PORT']);
});

describe('the annotation of a user’s own Service', () => {
  test('gives each of its variables the ports that it names', () => {
    const text = '  NATS_URL=nats://{host}:{port}\n MONITOR=http://{host}:{port:monitor}/varz ';
    expect(told([nats(text)])).toEqual({
      NATS_URL: 'nats://127.0.0.1:14222',
      MONITOR: 'http://127.0.0.1:18222/varz',
    });
    expect(exposedServices([entry(nats(text))], 'shop')).toEqual([
      expect.objectContaining({ namespace: 'shop', name: 'nats', ports: [4222, 8222] }),
    ]);
  });

  test('on what is no Service says nothing', () => {
    expect(told([{ ...nats('A={port}'), kind: 'Deployment' }])).toEqual({});
  });

  test.each([
    ['nats://{host}:{port}', '“nats://{host}:{port}” is no NAME=value'],
    ['', '“” is no NAME=value'],
    ['A=x 1B={port}', '“1B={port}” is no NAME=value'],
    ['A={port:metrics}', 'it has no port called “metrics”; it has monitor'],
    ['KUBECONFIG={host}', 'KUBECONFIG is a variable of the package’s own'],
    ['PGHOST={host}', 'PGHOST is a variable of the package’s own'],
  ])('%j is refused, with its file and why', (text, why) => {
    expect(() => told([nats(text)])).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        evidence: [`k8s/nats.yaml: jest-kubernetes/env: ${text}`, why],
      }) as Error,
    );
  });

  test('of a Service without a port is refused', () => {
    expect(() => told([nats('A={port}', [])])).toThrow(
      expect.objectContaining({ evidence: [expect.anything(), 'the Service has no port'] }) as Error,
    );
  });
});
