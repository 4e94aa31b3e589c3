import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { contextOf, readKubeconfig, writtenContext } from '../../../src/kubernetes/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const first = `
apiVersion: v1
kind: Config
current-context: shop
clusters: [{ name: east, cluster: { server: 'https://east', certificate-authority: ca.crt } }]
users: [{ name: me, user: { tokenFile: ../token, exec: { command: bin/login, args: [a] } } }]
contexts: [{ name: shop, context: { cluster: east, user: me, namespace: till } }]
`;
const second = `
current-context: other
clusters: [{ name: east, cluster: { server: 'https://elsewhere' } }]
users: [{ name: you, user: { exec: { command: aws } } }]
contexts:
  - { name: other, context: { cluster: east, user: you } }
  - { name: broken, context: { cluster: east, user: nobody } }
`;

test('of several files the first has the word, and paths are each file’s own', () => {
  const config = readKubeconfig(write('a/config', first), write('b/config', second));
  expect(config.currentContext).toBe('shop');
  expect(contextOf(config, 'shop')).toEqual({
    name: 'shop',
    names: { cluster: 'east', user: 'me', namespace: 'till' },
    cluster: { server: 'https://east', 'certificate-authority': join(folder, 'a/ca.crt') },
    user: { tokenFile: join(folder, 'token'), exec: { command: join(folder, 'a/bin/login'), args: ['a'] } },
  });
  // a mere name is looked for in PATH
  expect(contextOf(config, 'other')?.user.exec?.command).toBe('aws');
  expect(contextOf(config, 'other')?.cluster.server).toBe('https://east');
});

test('a context that is not there, or not whole, is none', () => {
  const config = readKubeconfig(write('config', second));
  expect(contextOf(config, 'broken')).toBeUndefined();
  expect(contextOf(config, 'shop')).toBeUndefined();
});

test('one context, written and read, is the same, and knows nothing else', () => {
  const shop = contextOf(readKubeconfig(write('a/config', first), write('b/config', second)), 'shop');
  const again = readKubeconfig(write('c/config', writtenContext(shop as never)));
  expect(contextOf(again, 'shop')).toEqual(shop);
  expect([...again.contexts.keys(), ...again.clusters.keys(), ...again.users.keys()]).toEqual([
    'shop',
    'east',
    'me',
  ]);
  expect(again.currentContext).toBe('shop');
});

test('what is no kubeconfig is told; an empty one holds nothing', () => {
  expect(() => readKubeconfig(write('text', 'hello'))).toThrow(/text is no kubeconfig/);
  expect(() => readKubeconfig(write('broken', '{'))).toThrow();
  expect(() => readKubeconfig(join(folder, 'absent'))).toThrow(/ENOENT/);
  expect(readKubeconfig(write('empty', '')).contexts.size).toBe(0);
});
