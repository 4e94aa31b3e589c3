import { loadConfig } from '../../../src/config/index.js';
import { mergeConfigs } from '../../../src/config/merge.js';
import { configured, shownOf } from './project.js';

const load = (services: unknown) => loadConfig({ rootDir: configured({ services }), env: {} });

const references = async (services: unknown): Promise<string[]> =>
  (await load(services)).images.flatMap((each) => (each.kind === 'pull' ? each.reference : []));

test.each([
  ['redis:8-alpine', 'redis'],
  ['registry.example:5000/library/redis', 'redis'],
  ['valkey/valkey:9-alpine', 'valkey'],
  [`redis@sha256:${'a'.repeat(64)}`, 'redis'],
])('%s is known by the last part of its name', async (image, name) => {
  const { services } = await load([image]);
  expect(services).toEqual([
    {
      ...{ name, image, port: 6379, env: {}, args: [], url: 'redis://{host}:{port}' },
      ready: [`${name}-cli`, 'ping'],
    },
  ]);
});

test('what is given goes before what is known', async () => {
  const nats = {
    image: 'acme/nats:2',
    name: 'bus',
    port: 4222,
    ready: ['true'],
    args: ['-js'],
    env: { A: 'b' },
  };
  expect((await load([nats])).services).toEqual([{ ...nats, url: undefined }]);
});

test('its image is brought as others are, once', async () => {
  expect(await references(['redis:8-alpine', { image: 'redis:8-alpine', name: 'sessions' }])).toEqual([
    'postgres:17-alpine',
    'redis:8-alpine',
  ]);
});

test.each([
  [
    ['nats:2'],
    'services.0: it is "nats:2", but allowed is { image, port }, or without a port one of redis, valkey',
  ],
  [
    ['postgres:17'],
    'services.0: it is "postgres:17", but allowed is another service: PostgreSQL is the option postgres',
  ],
  [
    ['redis:8', 'redis:7'],
    'services.1: it is "redis:7", but allowed is one of each name: redis is there twice, so give one { name }',
  ],
  [[{ image: 'nats:2', port: 0 }], 'services.0.port: it is 0, but allowed is a port from 1'],
  [
    [{ image: 'nats:2', port: 1, url: 'nats://x' }],
    'services.0.url: it is "nats://x", but allowed is a string such as nats://{host}:{port}',
  ],
  [
    [{ image: 'nats:2', port: 1, url: 'nats://{host}:{port} {host}' }],
    'services.0.url: it is "nats://{host}:{port} {host}", but allowed is one without white space',
  ],
  [
    [{ image: 'nats:2', port: 1, url: 'nats://{hots}:{port}' }],
    'services.0.url: it is "nats://{hots}:{port}", but allowed is {host} and {port} alone in braces',
  ],
  [
    [{ image: 'mysql:8', name: 'database', port: 3306, url: 'mysql://{host}:{port}' }],
    'services.0.name: it is "database", but allowed is another name: DATABASE_URL is a variable of the package’s own',
  ],
  [
    [{ image: 'acme/jest:1', port: 1 }],
    "services.0: it is { image: 'acme/jest:1', port: 1 }, but allowed is another name: JEST_HOST is a variable of the package’s own",
  ],
  [[{ image: 'nats:2', prot: 1 }], 'services.0.prot: not a known key; did you mean port?'],
])('%j is refused', async (services, line) => {
  const folder = configured({ services });
  const [, ...lines] = (await shownOf(loadConfig({ rootDir: folder, env: {} }), folder)).split('\n');
  expect(lines.map((each) => each.trim())).toContain(line);
});

test('the services of several projects are added up, where a name means one thing', async () => {
  const [one, other] = [await load(['redis:8-alpine']), await load(['redis:8-alpine', 'valkey:9'])];
  const said = {};
  const asked = [one, other].map((config) => ({ config, said }));
  expect(mergeConfigs(asked).services).toHaveLength(2);
  const another = await load(['redis:7']);
  expect(() =>
    mergeConfigs([
      { config: one, said },
      { config: another, said },
    ]),
  ).toThrow(
    expect.objectContaining({
      code: 'CONFIG_CONFLICT',
      message: 'The Jest projects of this run want different services called redis',
    }) as Error,
  );
});
