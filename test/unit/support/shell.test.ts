import { execFileSync } from 'node:child_process';

import { kindProvider } from '../../../src/cluster/index.js';
import { quoted } from '../../../src/support/shell.js';

const readBySh = (line: string, printed: string): string =>
  execFileSync('sh', ['-c', `${line}; printf %s "${printed}"`], { encoding: 'utf8' });

test.each([
  'plain/path-1.2',
  '/Users/me/Library/Application Support/jest-kubernetes',
  "it's",
  "''",
  '$HOME `x` "q" \\ ! ~ * #',
  '~',
  '',
  'two\nlines',
  '-n',
])('%j is one word to a shell', (word) => {
  expect(readBySh(`word=${quoted(word)}`, '$word')).toBe(word);
});

test('how a kept cluster is used is a line that a shell reads', () => {
  const directory = "/home/me/it's my state/clusters/shop";
  const { words } = kindProvider({
    cluster: { name: 'shop' } as Parameters<typeof kindProvider>[0]['cluster'],
    directory,
    runtime: () => Promise.reject(new Error('not asked for')),
  });
  const [use = ''] = words.usage;
  expect(readBySh(use.replace(/^use it: +/, ''), '$KUBECONFIG')).toBe(`${directory}/kubeconfig`);
});
