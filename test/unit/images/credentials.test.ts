import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const inner = 'testcontainers/build/container-runtime/auth/get-auth-config.js';

test('testcontainers still keeps getAuthConfig, which it does not export, where src/images/transfer.ts takes it from', () => {
  const file = path.resolve('node_modules', inner);
  if (!existsSync(file))
    throw new Error(`testcontainers has moved ${inner}: find where, and change transfer.ts`);
  const { getAuthConfig } = jest.requireActual<Record<string, unknown>>(inner);
  expect(getAuthConfig).toBeInstanceOf(Function);
  expect(readFileSync('src/images/transfer.ts', 'utf8')).toContain(`'${inner}'`);
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
