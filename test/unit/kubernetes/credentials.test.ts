import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openApi } from '../../../src/kubernetes/index.js';
import { compileSource } from '../../integration/leases/compiled.js';
import { authority, certificate, fakeServer, json, tester } from './api-server.js';

const well = json({ well: true });

test('a client certificate tells who asks', async () => {
  await using server = await fakeServer([well]);
  using api = openApi(server.access());
  await api.request('/x');
  expect(server.asked[0]?.certificate).toBe('tester');
});

test('certificates in files are found beside the kubeconfig', async () => {
  await using server = await fakeServer([well]);
  for (const file of ['authority.crt', 'tester.crt', 'tester.key'])
    copyFileSync(certificate(file), join(server.folder, file));
  const user = { 'client-certificate': 'tester.crt', 'client-key': './tester.key' };
  using api = openApi(server.access(user, { 'certificate-authority': 'authority.crt' }));
  await api.request('/x');
  expect(server.asked[0]?.certificate).toBe('tester');
});

test('a token is borne; one in a file is read anew, as it is renewed, and comes before the other', async () => {
  await using server = await fakeServer([well]);
  const file = join(server.folder, 'token');
  using fixed = openApi(server.access({ token: 'one' }));
  await fixed.request('/x');
  writeFileSync(file, 'two\n');
  using api = openApi(server.access({ token: 'one', tokenFile: 'token' }));
  await api.request('/x');
  writeFileSync(file, 'three\n');
  await api.request('/x');
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(
    ['one', 'two', 'three'].map((t) => `Bearer ${t}`),
  );
  expect(server.asked[0]?.certificate).toBeUndefined();
  // for web sockets, through the library, which knows no such file
  expect(api.kubeConfig().getCurrentUser()?.token).toBe('three');
});

test('a password is sent, and who somebody acts as', async () => {
  await using server = await fakeServer([well]);
  using api = openApi(
    server.access({
      username: 'me',
      password: 'pass',
      as: 'you',
      'as-groups': ['a', 'b'],
      'as-user-extra': { 'x/y': ['z'] },
    }),
  );
  await api.request('/x');
  expect(server.asked[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('me:pass').toString('base64')}`,
    'impersonate-user': 'you',
    'impersonate-group': 'a, b',
    'impersonate-extra-x%2fy': 'z',
  });
});

test('a server is believed by its certificate: of the authority, for the name that is asked for', async () => {
  await using server = await fakeServer([well]);
  const reached = async (cluster: object): Promise<unknown> => {
    using api = openApi(server.access(tester, cluster), { retry: false });
    return await api.request('/x').catch((error: unknown) => (error as { code?: string }).code);
  };
  expect(await reached({})).toMatch(/UNABLE_TO|SELF_SIGNED/);
  expect(await reached({ ...authority, 'tls-server-name': 'api.test' })).toEqual({ well: true });
  expect(await reached({ ...authority, 'tls-server-name': 'other.test' })).toBe(
    'ERR_TLS_CERT_ALTNAME_INVALID',
  );
  expect(await reached({ 'insecure-skip-tls-verify': true })).toEqual({ well: true });
});

const plugin = {
  apiVersion: 'client.authentication.k8s.io/v1',
  command: './login',
  interactiveMode: 'Never',
};
const credential = (token: string): string =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion: plugin.apiVersion, status: { token } });

test('a plugin beside the kubeconfig is asked, by the library, and connections are kept even so', async () => {
  await using server = await fakeServer([well]);
  writeFileSync(join(server.folder, 'login'), `#!/bin/sh\necho '${credential('plugged')}'\n`, {
    mode: 0o755,
  });
  using api = openApi(server.access({ exec: plugin, as: 'you' }));
  await api.request('/x');
  await api.request('/x');
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer plugged',
    'Bearer plugged',
  ]);
  expect(server.asked[1]?.headers['impersonate-user']).toBe('you');
  expect(server.connections.made).toBe(1);
});

test('a plugin that waits for somebody does not outlast the limit', async () => {
  await using server = await fakeServer([well]);
  writeFileSync(join(server.folder, 'login'), `#!/bin/sh\nsleep 2\necho '${credential('late')}'\n`, {
    mode: 0o755,
  });
  using api = openApi(server.access({ exec: plugin }), { limit: 200 });
  await expect(api.request('/x')).rejects.toMatchObject({ name: 'NoAnswer' });
  expect(server.asked).toHaveLength(0);
});

test('a proxy is gone through', async () => {
  await using server = await fakeServer([well]);
  const asked: (string | undefined)[] = [];
  const proxy = createServer().on('connect', ({ url }, socket: Socket) => {
    asked.push(url);
    const onward = connect(server.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const cluster = { ...authority, server: 'https://api.test:6443', 'proxy-url': `http://127.0.0.1:${port}` };
  try {
    using api = openApi(server.access({ ...tester, token: 'one' }, cluster));
    expect(await api.request('/version')).toEqual({ well: true });
    expect(asked).toEqual(['api.test:6443']);
    expect(server.asked).toMatchObject([{ certificate: 'tester', headers: { authorization: 'Bearer one' } }]);
  } finally {
    proxy.close();
  }
});

describe('what is loaded', () => {
  let compiled: ReturnType<typeof compileSource>;
  beforeAll(() => {
    compiled = compileSource();
  }, 60_000);
  afterAll(() => {
    compiled.remove();
  });

  const script = `
    const { openApi } = require(process.argv[1] + '/kubernetes/index.js');
    const api = openApi({ name: 'here', kubeconfig: process.argv[2], context: 'here' });
    api.request('/x').then((answer) => {
      const loaded = Object.keys(require.cache).some((file) => file.includes('client-node'));
      console.log(JSON.stringify({ answer, loaded }));
      api[Symbol.dispose]();
    });
  `;

  test.each([
    ['a client certificate', tester, false],
    ['a token', { token: 'one' }, false],
    ['a plugin', { exec: plugin }, true],
  ])(
    'for %s: the client library is %s',
    async (_what, user, expected) => {
      await using server = await fakeServer([well]);
      writeFileSync(join(server.folder, 'login'), `#!/bin/sh\necho '${credential('plugged')}'\n`, {
        mode: 0o755,
      });
      const { kubeconfig } = server.access(user);
      const { stdout } = await promisify(execFile)(process.execPath, [
        '-e',
        script,
        compiled.folder,
        kubeconfig,
      ]);
      expect(JSON.parse(stdout)).toEqual({ answer: { well: true }, loaded: expected });
    },
    20_000,
  );
});
