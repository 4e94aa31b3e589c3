import { readdirSync, readFileSync } from 'node:fs';

const inner = 'testcontainers/build/container-runtime/auth/get-auth-config.js';
const client = 'src/images/engine-client.ts';
const read = (file: string): string => readFileSync(file, 'utf8');

interface Named {
  version: string;
  dependencies?: Record<string, string>;
}

test(`package.json names the one release of testcontainers whose inner file ${client} takes getAuthConfig from`, () => {
  const { dependencies } = JSON.parse(read('package.json')) as Named;
  const { version } = JSON.parse(read('node_modules/testcontainers/package.json')) as Named;
  expect(dependencies?.['testcontainers']).toBe(version);
  expect(read(client)).toContain(`'${inner}'`);
  expect(jest.requireActual<Record<string, unknown>>(inner)['getAuthConfig']).toBeInstanceOf(Function);
});

test('as long as it does not export that: when it does, the path is not needed', () => {
  expect(jest.requireActual<object>('testcontainers')).not.toHaveProperty('getAuthConfig');
});

test('no other file of the source knows testcontainers', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const loading = files.filter((file) =>
    /\b(?:import|from|require)\b\W+testcontainers/.test(read(`src/${file}`)),
  );
  expect(loading.map((file) => `src/${file}`)).toEqual([client]);
});

test('it finds a registry’s credentials in DOCKER_AUTH_CONFIG, and none for another', async () => {
  const auth = Buffer.from('user:secret').toString('base64');
  const before = process.env['DOCKER_AUTH_CONFIG'];
  process.env['DOCKER_AUTH_CONFIG'] = JSON.stringify({ auths: { '127.0.0.1:5001': { auth } } });
  try {
    const { getAuthConfig } = await isolated();
    expect(await getAuthConfig('127.0.0.1:5001')).toMatchObject({ username: 'user', password: 'secret' });
    expect(await getAuthConfig('127.0.0.1:5002')).toBeUndefined();
  } finally {
    if (before === undefined) delete process.env['DOCKER_AUTH_CONFIG'];
    else process.env['DOCKER_AUTH_CONFIG'] = before;
  }
});

interface Inner {
  getAuthConfig: (registry: string) => Promise<unknown>;
}

/** It reads the environment when it is loaded. */
async function isolated(): Promise<Inner> {
  let loaded: Inner | undefined;
  await jest.isolateModulesAsync(async () => {
    loaded = jest.requireActual<Inner>(inner);
    await Promise.resolve();
  });
  if (loaded === undefined) throw new Error('not loaded');
  return loaded;
}
