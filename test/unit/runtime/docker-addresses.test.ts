import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { dockerAddresses } from '../../../src/runtime/docker-addresses.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'home-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const hosts = (env: NodeJS.ProcessEnv) => dockerAddresses(env).map(({ host }) => host);

function useContext(name: string, host: string): void {
  const meta = path.join(home, '.docker/contexts/meta', createHash('sha256').update(name).digest('hex'));
  mkdirSync(meta, { recursive: true });
  writeFileSync(path.join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }));
  writeFileSync(
    path.join(meta, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  );
}

test('with nothing said, the default socket is tried', () => {
  expect(hosts({ HOME: home })[0]).toBe('unix:///var/run/docker.sock');
});

test('an address that the user named is the only one tried, DOCKER_HOST before the properties file', () => {
  writeFileSync(path.join(home, '.testcontainers.properties'), '# mine\ndocker.host = unix:///mine.sock\n');
  expect(hosts({ HOME: home })).toEqual(['unix:///mine.sock']);
  expect(hosts({ HOME: home, DOCKER_HOST: 'tcp://builder:2375' })).toEqual(['tcp://builder:2375']);
});

test('tc.host wins over all, as in testcontainers', () => {
  writeFileSync(path.join(home, '.testcontainers.properties'), 'tc.host=tcp://desktop:1234\n');
  expect(hosts({ HOME: home, DOCKER_HOST: 'tcp://builder:2375' })).toEqual(['tcp://desktop:1234']);
});

test('certificates go with an address that is to be verified', () => {
  const env = { HOME: home, DOCKER_HOST: 'tcp://b:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
  expect(dockerAddresses(env)[0]?.certificates).toBe('/certs');
});

test('a folder of certificates is told absolutely, as others are told it who work elsewhere', () => {
  const env = { HOME: home, DOCKER_HOST: 'tcp://b:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: 'certs' };
  expect(dockerAddresses(env)[0]?.certificates).toBe(path.resolve('certs'));
});

test('a rootless socket comes after the default one', () => {
  writeFileSync(path.join(home, 'docker.sock'), '');
  expect(hosts({ HOME: home, XDG_RUNTIME_DIR: home })).toEqual([
    'unix:///var/run/docker.sock',
    `unix://${home}/docker.sock`,
  ]);
});

test("the docker CLI's current context is tried last", () => {
  useContext('colima', `unix://${home}/colima.sock`);
  expect(hosts({ HOME: home }).at(-1)).toBe(`unix://${home}/colima.sock`);
  expect(hosts({ HOME: home, DOCKER_CONTEXT: 'default' })).not.toContain(`unix://${home}/colima.sock`);
  expect(hosts({ HOME: home, DOCKER_HOST: 'tcp://b:1' })).toEqual(['tcp://b:1']);
});
